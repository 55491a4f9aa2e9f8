import { type FlagSpec, flag, type OptionTable } from '../arguments/option.ts'
import { settingName } from '../arguments/through.ts'
import type { Command, CommandEntry } from '../commands/command.ts'

/** `tp --help`. */
export function overview(commands: Readonly<Record<string, CommandEntry>>): string {
  const rows = Object.entries(commands).map(([name, { operands, summary }]): [string, string] => [
    ['tp', name, ...operands].join(' '),
    summary,
  ])
  return [
    'tp: token pruning for exported ONNX encoders',
    ...twoColumns(rows),
    '',
    'tp COMMAND --help lists options. Anywhere: --json, --verbose (says more).',
    'tp complete bash|zsh|fish prints a script that completes commands.',
    'Exit codes: 0 done, 1 failed, 2 bad usage, 3 not met, 4 refused, 130 ended.',
  ].join('\n')
}

/** `tp COMMAND --help`. */
export function helpOf(
  name: string,
  { summary, operands }: CommandEntry,
  { options, notes = [] }: Command,
  isVerbose = false,
): string {
  return [
    `tp ${[name, ...operands].join(' ')} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    ...listed({ ...options, help: flag('this text') }, isVerbose),
    ...(notes.length === 0 ? [] : ['', ...paragraphs(notes)]),
  ].join('\n')
}

/** Options as the command has them, those without a heading first. Few readers need those that are passed through another one. */
function listed(options: OptionTable, isVerbose: boolean): string[] {
  const groups = new Map<string | undefined, [string, string][]>([[undefined, []]])
  const row = (name: string, { short, value, description }: FlagSpec): [string, string] => [
    `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    description,
  ]
  for (const [name, spec] of Object.entries(options)) {
    if (spec.through !== undefined) continue
    const taken = Object.entries(options).filter(([, { through }]) => through === name)
    const settings = taken.map(([key, { value, description }]): [string, string] => [
      `  ${settingName(key)}=${value}`,
      description,
    ])
    const names = settings.map(([setting]) => setting.trim()).join(', ')
    const brief = { ...spec, description: `${spec.description} (--help --verbose explains each): ${names}` }
    const rows = groups.get(spec.heading) ?? []
    const own = isVerbose || settings.length === 0 ? [row(name, spec), ...settings] : [row(name, brief)]
    groups.set(spec.heading, [...rows, ...own])
  }
  return [...groups].flatMap(([heading, rows]) => [
    ...(heading === undefined ? [] : ['', `${heading}:`]),
    ...twoColumns(rows),
  ])
}

/** Notes are lines of the source; what belongs together is one paragraph, which the terminal wraps. */
function paragraphs(lines: readonly string[]): string[] {
  const joined: string[] = []
  let isOpen = false
  for (const line of lines) {
    const isText = line !== '' && !line.startsWith(' ')
    if (isText && isOpen) joined.push(`${joined.pop()} ${line}`)
    else joined.push(line)
    isOpen = isText && !line.endsWith(':')
  }
  return joined
}

/** Longer names have a line of their own. */
const WIDEST = 26

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(WIDEST, Math.max(...rows.map(([left]) => left.length))) + 2
  return rows.flatMap(([left, right]) =>
    left.length > WIDEST ? [`  ${left}`, `  ${' '.repeat(width)}${right}`] : [`  ${left.padEnd(width)}${right}`],
  )
}
