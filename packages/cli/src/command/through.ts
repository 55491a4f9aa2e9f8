import { didYouMean } from './did-you-mean.ts'
import { usageError } from './usage-error.ts'

/** Of a table of options, what matters here. */
type Settings = Readonly<Record<string, { readonly through?: string }>>

/**
 * Options that few need, given through another one: `--set restore=none` is the option `restore` of the table. Their names on the command
 * line are those of plans and of the libraries.
 * @param option that takes them, `NAME=VALUE`, once for each
 */
export function through<const Table extends Settings, const Option extends string>(
  option: Option,
  description: string,
  table: Table,
): Table & Record<Option, { readonly type: 'string'; readonly multiple: true; readonly description: string }> {
  const taken = Object.entries(table).map(([name, spec]) => [name, { ...spec, through: option }])
  const takes = { type: 'string', multiple: true, value: 'NAME=VALUE', description }
  return { ...Object.fromEntries(taken), [option]: takes } as ReturnType<typeof through<Table, Option>>
}

/** `protect-segment` → `protectSegment` */
export function settingName(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** As a command line gives an option: `--keep`, or `--set restore`. */
export function writtenOption(table: Settings, name: string): string {
  const by = table[name]?.through
  return by === undefined ? `--${name}` : `--${by} ${settingName(name)}`
}

interface Setting {
  readonly name: string
  readonly value: string
}

/** The option of the table that `NAME=VALUE` gives. @throws TpError TP_USAGE */
export function settingOf(command: string, table: Settings, option: string, text: string): Setting {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (name === '') throw usageError(`--${option} is "${text}"; it must be NAME=VALUE`)
  const names = Object.keys(table).filter((key) => table[key]?.through === option)
  const found = names.find((key) => settingName(key) === name)
  if (found !== undefined) return { name: found, value }
  const meant = didYouMean(name, names.map(settingName), (near) => `--${option} ${near}=${value}`)
  throw usageError(`there is no --${option} ${name}${meant}; tp ${command} --help lists what there is`)
}

/** A message that names options as `--name`, with those that are given through another one as the command line gives them. */
export function namingSettings(table: Settings, message: string): string {
  return message.replace(/--([a-z][a-z-]*)/g, (seen, name: string) =>
    table[name]?.through === undefined ? seen : writtenOption(table, name),
  )
}
