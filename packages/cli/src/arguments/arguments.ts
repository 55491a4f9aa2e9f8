import { parseArgs } from 'node:util'
import { contradiction, type Relations } from '@tp/compiler'
import { didYouMean } from './did-you-mean.ts'
import { settingOf, writtenOption } from './through.ts'
import { usageError } from './usage-error.ts'
import { fromZero, portNumber, positive, shapeList, share, wholeNumber } from './values.ts'

/** The kind of thing that an option's value names. */
export type Reads = 'file' | 'model' | 'data' | 'module'

type ValueKind = 'whole number' | 'positive' | 'from 0' | 'share' | 'port' | 'shapes'

/** One option, for the parser and for `--help`. */
export interface FlagSpec extends Relations {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** The placeholder of its value in `--help`. */
  readonly value?: string
  readonly description: string
  /** May be given several times. */
  readonly multiple?: boolean
  /** The kind of file that its value names, if the command reads it. */
  readonly reads?: Reads
  /** The form of its value, as far as that is known before anything is read. */
  readonly is?: ValueKind
  /** Values allowed besides. */
  readonly words?: readonly string[]
  /** Of the options in `--help` that it is listed with; default: the first ones, without a heading. */
  readonly heading?: string
  /** The option that it is given through, as `NAME=VALUE`; default: it is one of its own. */
  readonly through?: string
}

export type OptionTable = Readonly<Record<string, FlagSpec>>

/** Options that `--help` lists under a heading. */
export function under<const Table extends OptionTable>(heading: string, table: Table): Table {
  const headed = Object.entries(table).map(([name, spec]) => [name, { ...spec, heading }])
  return Object.fromEntries(headed) as Table
}

/** The same options where each of them means something only with one of `needs`; these may be among them. */
export function needing<const Table extends OptionTable>(needs: readonly string[], table: Table): Table {
  const all = Object.entries(table).map(([name, spec]) => [name, needs.includes(name) ? spec : { needs, ...spec }])
  return Object.fromEntries(all) as Table
}

export type Arguments<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { type: 'boolean' }
    ? boolean
    : Table[Name] extends { multiple: true }
      ? readonly string[]
      : string
}

export interface ParsedArguments {
  readonly operands: readonly string[]
  readonly options: Arguments<OptionTable>
}

/**
 * Reads a command line strictly: an unknown option, a missing or a superfluous value and an option given twice are
 * errors. Node's own parser, because cac reads a file called 007 as the number 7, and citty lets unknown options pass.
 * @throws TpError TP_USAGE
 */
export function readArguments(
  name: string,
  operands: readonly string[],
  table: OptionTable,
  args: readonly string[],
): ParsedArguments {
  const { values, positionals, tokens } = parse(name, table, joinNegativeNumbers(table, args))
  const seen = new Set<string>()
  const takers = new Set(Object.values(table).flatMap(({ through }) => through ?? []))
  const settings: Record<string, string | string[]> = {}
  const see = (option: string): boolean => {
    const isRepeated = seen.has(option)
    if (isRepeated && !table[option]?.multiple)
      throw usageError(`${writtenOption(table, option)} is given twice; give it once`)
    seen.add(option)
    return isRepeated
  }
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    see(token.name)
    if (token.value === '') throw usageError(needsValue(table, token.rawName, token.name))
    if (token.value === undefined) continue
    if (!takers.has(token.name)) {
      checkValue(table, token.name, token.value)
      continue
    }
    const { name: option, value } = settingOf(name, table, token.name, token.value)
    const before = see(option) ? [settings[option] ?? []].flat() : []
    checkValue(table, option, value)
    settings[option] = table[option]?.multiple ? [...before, value] : value
  }
  // The last may be several: MODEL….
  const isOpen = operands.at(-1)?.endsWith('…') && positionals.length >= operands.length
  if (positionals.length !== operands.length && !isOpen) {
    const extra = positionals[operands.length]
    const problem =
      extra === undefined ? `${operands[positionals.length]} is missing` : `there is no place for "${extra}"`
    throw usageError(`${problem}: tp ${[name, ...operands].join(' ')} …; tp ${name} --help shows all of it`)
  }
  const empty = positionals.indexOf('')
  if (empty >= 0) throw usageError(`${operands[empty] ?? operands.at(-1)} is empty; give a path`)
  const options = { ...omit(values, takers), ...settings } as Arguments<OptionTable>
  const idle = contradiction(options, table, (option, isMissing) => {
    const value = isMissing === true ? table[option]?.value : undefined
    const written = writtenOption(table, option)
    if (value === undefined) return written
    return table[option]?.through === undefined ? `${written} ${value}` : `${written}=${value}`
  })
  if (idle !== undefined) throw usageError(idle)
  return { operands: positionals, options }
}

function omit(values: object, names: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)))
}

const readers: Readonly<Record<ValueKind, (option: string, text: string) => unknown>> = {
  'whole number': wholeNumber,
  positive,
  'from 0': fromZero,
  share,
  port: portNumber,
  shapes: shapeList,
}

/** @throws TpError TP_USAGE */
function checkValue(table: OptionTable, option: string, text: string): void {
  const { is, words = [] } = table[option] ?? {}
  if (is !== undefined && !words.includes(text)) readers[is](writtenOption(table, option).slice(2), text)
}

function parse(name: string, table: OptionTable, args: readonly string[]) {
  // parseArgs reads `short: undefined` as an error
  const options = Object.fromEntries(
    Object.entries(table)
      .filter(([, { through }]) => through === undefined)
      .map(([key, { type, short, multiple = false }]) => [key, { type, multiple, ...(short && { short }) }]),
  )
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true })
  } catch (cause) {
    throw usageError(reword(name, table, cause as Error & { code?: string }), cause)
  }
}

/** Node's parser takes the -0.5 of `--keep -0.5` for an option. */
function joinNegativeNumbers(table: OptionTable, args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const previous = joined.at(-1) ?? ''
    const takesValue = previous.startsWith('--') && table[previous.slice(2)]?.type === 'string'
    if (takesValue && /^-[\d.]/.test(arg)) joined[joined.length - 1] = `${previous}=${arg}`
    else joined.push(arg)
  }
  return joined
}

function reword(name: string, table: OptionTable, error: Error & { code?: string }): string {
  const option = /'(?:-\w, )?(-{1,2}[^' <]+)/.exec(error.message)?.[1] ?? ''
  const help = `tp ${name} --help lists what there is`
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const meant = didYouMean(option.replace(/^-+/, ''), [...Object.keys(table), 'help'], (found) =>
      table[found]?.through === undefined ? `--${found}` : `${writtenOption(table, found)}=${table[found]?.value}`,
    )
    return `there is no option ${option}${meant === '' ? '; ' : `${meant} `}${help}`
  }
  if (/does not take an argument/.test(error.message)) return `${option} takes no value; give it alone`
  if (/argument missing|ambiguous/.test(error.message)) {
    const long = option.startsWith('--')
      ? option.slice(2)
      : Object.keys(table).find((key) => `-${table[key]?.short}` === option)
    return needsValue(table, option, long ?? '')
  }
  return `${error.message.split('\n')[0]}; ${help}`
}

/** @param option as it was given, `-o` or `--out` */
function needsValue(table: OptionTable, option: string, name: string): string {
  return `${option} needs a value: ${option} ${table[name]?.value ?? 'VALUE'}`
}
