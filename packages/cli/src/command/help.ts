import type { Command, CommandEntry } from './command.ts'

/** `tp --help`. */
export function overview(commands: Readonly<Record<string, CommandEntry>>): string {
  const rows = Object.entries(commands).map(([name, { operands, summary }]): [string, string] => [
    ['tp', name, ...operands].join(' '),
    summary,
  ])
  return [
    'tp: token pruning for exported ONNX encoders',
    '',
    ...twoColumns(rows),
    '',
    'tp COMMAND --help says what a command takes; tp --version. With --json, stdout is one JSON document.',
    'Exit codes: 0 done, 1 failed, 2 bad usage, 3 a demand that does not hold, 4 model refused, 130 interrupted.',
  ].join('\n')
}

/** `tp COMMAND --help`. */
export function helpOf(name: string, { summary, operands }: CommandEntry, { options, notes = [] }: Command): string {
  const rows = Object.entries(options).map(([option, { short, value, description }]): [string, string] => [
    `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`,
    description,
  ])
  return [
    `tp ${[name, ...operands].join(' ')} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    ...twoColumns([...rows, ['--help', 'this text']]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n')
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
}
