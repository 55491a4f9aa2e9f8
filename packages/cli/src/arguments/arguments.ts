import { parseArgs } from 'node:util'
import { contradiction } from '@tp/compiler'
import { didYouMean } from './did-you-mean.ts'
import type { Arguments, OptionTable } from './option.ts'
import { settingOf, writtenOption } from './through.ts'
import { usageError } from './usage-error.ts'
import { readValue } from './values.ts'

export interface ParsedArguments {
  readonly operands: readonly string[]
  readonly options: Arguments<OptionTable>
}

/**
 * Reads a command line strictly: an unknown option, a missing or a superfluous value and an option read twice are
 * errors. Node's own parser, because cac reads a file called 007 as the number 7, and citty lets unknown options pass.
 * @throws TpError TP_USAGE
 */
export function readArguments(
  name: string,
  all: readonly string[],
  table: OptionTable,
  args: readonly string[],
): ParsedArguments {
  const operands = all.filter((operand) => !operand.startsWith('['))
  const { positionals, tokens } = parse(name, table, joinNegativeNumbers(table, args))
  const takers = new Set(Object.values(table).flatMap(({ through }) => through ?? []))
  const options: Record<string, unknown> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { rawName, value = '' } = token
    if (token.value === '') throw usageError(needsValue(table, rawName, token.name))
    const read = takers.has(token.name) ? settingOf(name, table, token.name, value) : { name: token.name, value }
    const spec = table[read.name]
    if (options[read.name] !== undefined && !spec?.multiple)
      throw usageError(`${writtenOption(table, read.name)} is given twice; give it once`)
    options[read.name] = spec?.multiple
      ? [...((options[read.name] as readonly string[]) ?? []), read.value]
      : token.value === undefined || valueIn(table, read.name, read.value)
  }
  // An operand in brackets stands for the option of its name: `[METHOD]`.
  const optional = all[operands.length]?.slice(1, -1).toLowerCase()
  if (optional !== undefined && positionals.length === all.length) {
    if (options[optional] !== undefined) throw usageError(`--${optional} is given twice; give it once`)
    options[optional] = positionals.pop()
  }
  // The last may be several: MODEL….
  const isOpen = operands.at(-1)?.endsWith('…') && positionals.length >= operands.length
  if (positionals.length !== operands.length && !isOpen) {
    const extra = positionals[all.length]
    const problem =
      extra === undefined ? `${operands[positionals.length]} is missing` : `there is no place for "${extra}"`
    const usage = [name, ...all].join(' ').replace(/…$/, '')
    throw usageError(`${problem}: tp ${usage} …; tp ${name} --help shows all of it`)
  }
  const empty = positionals.indexOf('')
  if (empty >= 0) throw usageError(`${operands[empty] ?? operands.at(-1)} is empty; give a path`)
  const idle = contradiction(options, table, (option, isMissing) => {
    const value = isMissing === true ? table[option]?.value : undefined
    const written = writtenOption(table, option)
    if (value === undefined) return written
    return table[option]?.through === undefined ? `${written} ${value}` : `${written}=${value}`
  })
  if (idle !== undefined) throw usageError(idle)
  for (const [option, { required, short, value }] of Object.entries(table)) {
    if (required === undefined || options[option] !== undefined) continue
    throw usageError(`${short === undefined ? `--${option}` : `-${short}`} ${value} is missing: ${required}`)
  }
  return { operands: positionals, options: options as Arguments<OptionTable> }
}

/** @throws TpError TP_USAGE */
function valueIn(table: OptionTable, option: string, text: string): unknown {
  const { is, words } = table[option] ?? {}
  return is === undefined ? text : readValue(is, writtenOption(table, option).slice(2), text, words)
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

/** @param option as it was read, `-o` or `--out` */
function needsValue(table: OptionTable, option: string, name: string): string {
  return `${option} needs a value: ${option} ${table[name]?.value ?? 'VALUE'}`
}
