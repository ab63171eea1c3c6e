import {useEffect, useState} from 'react';
import type {ChatSession} from '../session.js';
import type {ChatState} from '../state.js';

/** About as often as a screen is drawn: an answer's tokens may come faster. */
const REDRAW_MS = 33;

/** The session's state, a moment late at most. */
export function useSession(session: ChatSession): ChatState {
  const [state, setState] = useState(session.state);
  useEffect(() => {
    let timer: NodeJS.Timeout | undefined;
    const follow = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setState(session.state);
      }, REDRAW_MS);
    };
    const release = session.subscribe(follow);
    // What has happened between the first drawing and now.
    follow();
    return () => {
      release();
      clearTimeout(timer);
    };
  }, [session]);
  return state;
}
