import type { Command } from './command.ts'

/** `tp --help`. */
export function overview(commands: Readonly<Record<string, Pick<Command, 'summary' | 'operands'>>>): string {
  const rows = Object.entries(commands).map(([name, { operands, summary }]) => [[name, ...operands].join(' '), summary] as const)
  return [
    'tp: token pruning for exported ONNX encoders',
    '',
    ...twoColumns(rows.map(([left, right]) => [`tp ${left}`, right])),
    '',
    'tp COMMAND --help says what a command takes; tp --version. With --json, data on stdout are one JSON document.',
    'Exit codes: 0 done, 1 failed, 2 bad usage, 3 below a demanded threshold, 4 model refused, 130 interrupted.',
  ].join('\n')
}

/** `tp COMMAND --help`. */
export function helpOf(name: string, { summary, operands, options, notes = [] }: Command): string {
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

const LEFT = 28

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([left, right]) =>
    left.length < LEFT ? `  ${left.padEnd(LEFT)}${right}` : `  ${left}\n  ${' '.repeat(LEFT)}${right}`,
  )
}
