import {Box, Text} from 'ink';
import {PROMPT, type ScreenRow} from '../screenPlan.js';

function Row({row: {text, style}}: {row: ScreenRow}) {
  // An empty text would take no row.
  if (text === '') return <Text> </Text>;
  switch (style) {
    case 'dim':
      return (
        <Text dimColor wrap="truncate">
          {text}
        </Text>
      );
    case 'warning':
      return (
        <Text color="yellow" wrap="truncate">
          {text}
        </Text>
      );
    case 'prompt':
      return (
        <Text wrap="truncate">
          <Text color="cyan">{text.slice(0, PROMPT.length)}</Text>
          {text.slice(PROMPT.length)}
        </Text>
      );
    case 'plain':
    case 'coloured':
      return <Text wrap="truncate">{text}</Text>;
  }
}

/** Rows of text, each one row of the screen. */
export function RowsView({rows}: {rows: readonly ScreenRow[]}) {
  return (
    <Box flexDirection="column">
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
        <Row key={i} row={row} />
      ))}
    </Box>
  );
}
