import { didYouMean } from './did-you-mean.ts'
import { usageError } from './usage-error.ts'

/**
 * Options that few need are given through another one: `--set restore=none` is the option `restore` of the table. Their names are then
 * those of plans and of the libraries.
 */
type Settings = Readonly<Record<string, { readonly through?: string }>>

/** `protect-segment` → `protectSegment` */
export function settingName(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** As a command line gives an option: `--keep`, or `--set restore`. */
export function writtenOption(table: Settings, name: string): string {
  const by = table[name]?.through
  return by === undefined ? `--${name}` : `--${by} ${settingName(name)}`
}

interface OneSetting {
  readonly name: string
  readonly value: string
}

/** The option of the table that `NAME=VALUE` gives. @throws TpError TP_USAGE */
export function settingOf(command: string, table: Settings, option: string, text: string): OneSetting {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (name === '') throw usageError(`--${option} is "${text}"; it must be NAME=VALUE`)
  const names = Object.keys(table).filter((key) => table[key]?.through === option)
  const found = names.find((key) => settingName(key) === name)
  if (found !== undefined) return { name: found, value }
  const meant = didYouMean(name, names.map(settingName), (near) => `--${option} ${near}=${value}`)
  throw usageError(
    `there is no --${option} ${name}${meant === '' ? ';' : meant} tp ${command} --help lists what there is`,
  )
}

/** A message that names options as `--name`, with those that are given through another one as the command line gives them. */
export function namingSettings(table: Settings, message: string): string {
  return message.replace(/--([a-z][a-z-]*)/g, (seen, name: string) =>
    table[name]?.through === undefined ? seen : writtenOption(table, name),
  )
}
