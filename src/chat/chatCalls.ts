// The calls by which a chat reaches the model's thread (modelProtocol.ts), and what answers them there.
import type {Emu} from '../emu.js';
import type {
  AnswerOptions,
  ChatAnswer,
  ChatDrawEvent,
  ChatDrawn,
  ChatDrawOptions,
  ChatModelInfo,
  ChatPart,
  ChatStatus,
  PastTurn,
} from './chatModel.js';
import type {EmuChat} from './emuChat.js';

interface Call<Params, Result, Event = never> {
  params: Params;
  event: Event;
  result: Result;
}

export interface ChatCalls {
  /** Opens a chat with the model that was loaded, in the place of an earlier one. */
  chatOpen: Call<Record<never, never>, ChatModelInfo>;
  chatBegin: Call<{system: string | undefined}, ChatStatus>;
  chatAsk: Call<{parts: readonly ChatPart[]; options: AnswerOptions}, ChatAnswer, string>;
  chatDraw: Call<{parts: readonly ChatPart[]; options: ChatDrawOptions}, ChatDrawn, ChatDrawEvent>;
  chatRewind: Call<{turns: number}, ChatStatus>;
  chatSave: Call<{file: string; cache: boolean}, void>;
  chatRestore: Call<{file: string}, ChatStatus>;
  chatRecall: Call<{turns: readonly PastTurn[]}, ChatStatus>;
  chatClose: Call<Record<never, never>, void>;
}

type ChatHandlers = {
  [M in keyof ChatCalls]: (
    params: ChatCalls[M]['params'],
    tell: (event: ChatCalls[M]['event']) => void,
    signal: AbortSignal,
  ) => Promise<ChatCalls[M]['result']>;
};

/** `loaded`: the model of this thread. */
export function chatHandlers(loaded: () => Emu): ChatHandlers {
  let chat: EmuChat | undefined;
  const opened = () => {
    if (!chat) throw new Error('model worker: expected a call of chatOpen first');
    return chat;
  };
  return {
    async chatOpen() {
      const {EmuChat} = await import('./emuChat.js');
      await chat?.close();
      chat = new EmuChat(loaded());
      return chat.info;
    },
    chatBegin: ({system}) => opened().begin(system),
    chatAsk: ({parts, options}, tell, signal) => opened().ask(parts, options, tell, signal),
    chatDraw: ({parts, options}, tell, signal) => opened().draw(parts, options, tell, signal),
    chatRewind: ({turns}) => opened().rewind(turns),
    chatSave: ({file, cache}) => opened().save(file, {cache}),
    chatRestore: ({file}) => opened().restore(file),
    chatRecall: ({turns}, _tell, signal) => opened().recall(turns, signal),
    async chatClose() {
      await chat?.close();
      chat = undefined;
    },
  };
}
