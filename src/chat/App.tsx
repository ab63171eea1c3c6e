import {Static, useCursor} from 'ink';
import {useEffect, useSyncExternalStore} from 'react';
import type {PictureProtocol} from '../cli/terminalPicture.js';
import type {ChatInput} from './chatInput.js';
import {EntryView} from './components/EntryView.js';
import {RowsView} from './components/RowsView.js';
import {usePreview} from './hooks/usePreview.js';
import {useSession} from './hooks/useSession.js';
import {useShownEntries} from './hooks/useShownEntries.js';
import {useTerminalSize} from './hooks/useTerminalSize.js';
import {planScreen} from './screenPlan.js';
import type {ChatSession} from './session.js';

export interface AppProps {
  readonly session: ChatSession;
  readonly input: ChatInput;
  readonly protocol: PictureProtocol;
  /** Bytes that the program has. */
  readonly memory?: () => number;
}

/** The chat's screen: the history, which stays, and below it what changes. */
export function App({
  session,
  input,
  protocol,
  memory = () => process.memoryUsage.rss(),
}: AppProps) {
  const size = useTerminalSize();
  const state = useSession(session);
  const typed = useSyncExternalStore(input.subscribe, () => input.state);
  const preview = usePreview(state.live, protocol, size);
  const {shown, written} = useShownEntries(state.entries, protocol, size);
  const {setCursorPosition} = useCursor();

  const {draft} = state;
  useEffect(() => {
    if (draft) input.giveBack(draft.text);
  }, [draft, input]);

  const plan = planScreen(state, typed, size, memory(), preview);
  // The real cursor stands at the caret: input methods show what is being composed there.
  setCursorPosition(state.isLeaving ? undefined : plan.cursor);
  return (
    <>
      <Static items={[...shown]}>
        {(item) => (
          <EntryView key={item.entry.id} shown={item} protocol={protocol} onWritten={written} />
        )}
      </Static>
      <RowsView rows={state.isLeaving ? [] : plan.rows} />
    </>
  );
}
