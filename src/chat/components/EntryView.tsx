import {Box, Text, useStdout} from 'ink';
import {useLayoutEffect} from 'react';
import type {PictureProtocol} from '../../cli/terminalPicture.js';
import {isWrittenDirectly, type ShownEntry} from '../hooks/useShownEntries.js';
import {cleanControls, PROMPT} from '../screenPlan.js';
import {describeMedia} from '../attachments.js';
import type {Entry} from '../state.js';
import type {UserPart} from '../transcript.js';

const partText = (part: UserPart) =>
  part.type === 'text' ? part.text : `[${describeMedia(part)}]`;

function Words({entry}: {entry: Entry}) {
  switch (entry.type) {
    case 'question': {
      const words = cleanControls(entry.parts.map(partText).join(' '));
      return (
        <Text color="cyan" bold>
          {`${PROMPT}${entry.wants === 'drawing' ? '/draw ' : ''}${words}`}
        </Text>
      );
    }
    case 'answer':
      return (
        <Text>
          {cleanControls(entry.text)}
          {entry.isStopped ? <Text dimColor> … (stopped)</Text> : null}
        </Text>
      );
    case 'drawing':
      return entry.isFlagged ? (
        <Text color="yellow">
          {`withheld by the safety checker (seed ${entry.seed}); /retry draws with another seed`}
        </Text>
      ) : (
        <Text dimColor>{`drawn: ${cleanControls(entry.prompt)} (seed ${entry.seed})`}</Text>
      );
    case 'note':
      return <Text dimColor>{cleanControls(entry.text)}</Text>;
    case 'error':
      return <Text color="red">{cleanControls(entry.error.message)}</Text>;
  }
}

/** What stays in the history: words, then pictures; a blank line ends an answer. */
export function EntryView({
  shown: {entry, pictures},
  protocol,
  onWritten,
}: {
  shown: ShownEntry;
  protocol: PictureProtocol;
  onWritten: (id: number) => void;
}) {
  const {write} = useStdout();
  const isDirect = isWrittenDirectly(protocol);
  // The words are on the terminal by now: Ink prints static output before layout effects.
  useLayoutEffect(() => {
    if (!isDirect || pictures.length === 0) return;
    write(pictures.join(''));
    onWritten(entry.id);
  }, [isDirect, pictures, entry.id, write, onWritten]);
  const isEnd = entry.type === 'answer' || (entry.type === 'drawing' && !isDirect);
  return (
    <Box flexDirection="column" marginBottom={isEnd ? 1 : 0}>
      <Words entry={entry} />
      {isDirect ? null : pictures.map((text) => <Text key={text}>{text.replace(/\n$/, '')}</Text>)}
    </Box>
  );
}
