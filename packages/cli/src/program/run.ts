import { isTpError, TpError } from '@tp/core'
import { FileClaims } from '@tp/data/files'
import { type ParsedArguments, readArguments } from '../arguments/arguments.ts'
import { didYouMean } from '../arguments/did-you-mean.ts'
import type { OptionTable } from '../arguments/option.ts'
import { namingSettings } from '../arguments/through.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Command, CommandEntry, CommandReport } from '../commands/command.ts'
import { EXIT, exitCodeOf } from '../commands/exit-code.ts'
import { commands } from '../commands/index.ts'
import type { Context } from '../context/context.ts'
import { naming, RefusalError } from '../model/refusal-error.ts'
import { jsonDocument } from '../printing/document.ts'
import { printable } from '../printing/printable.ts'
import { styled } from '../printing/styled.ts'
import { UNBOUNDED, wrapped } from '../printing/terminal.ts'
import { claimInputs, claimOutputs } from './claim-files.ts'
import { changeFolder, inFolders } from './folders.ts'
import { helpOf, overview } from './help.ts'
import { knownError } from './known-error.ts'
import { welcome } from './welcome.ts'

interface Terminal extends Omit<Context, 'files' | 'began'> {
  printError(text: string): void
  /** Columns of stdout; default: without bound. */
  readonly columns?: number
  /** Columns of stderr. */
  readonly errorColumns?: number
  /** Whether stderr shows colors. */
  readonly errorStyled?: boolean
}

/** The command `tp`, without a process around it. @returns the exit code */
export async function run(argv: readonly string[], version: string, outer: Terminal): Promise<number> {
  const args = withoutVerbose(argv)
  const json = asksForJson(args)
  const terminal = { ...showing(outer, json), json, verbose: args.length < argv.length }
  const files = new FileClaims()
  try {
    return await dispatch(args, version, { ...terminal, files, began: performance.now() })
  } catch (thrown) {
    const error = knownError(thrown)
    terminal.progress.end()
    if (terminal.signal.aborted) {
      const message = await canceled(files)
      terminal.printError(message)
      if (json) terminal.print(jsonDocument('error', { code: 'TP_ABORTED', where: 'tp', message }))
      return EXIT.interrupted
    }
    terminal.printError(describe(error, terminal.verbose))
    // The document also says how the command ended: with --json, programs read stdout.
    if (json) terminal.print(errorDocument(error))
    return exitCodeOf(error)
  }
}

/** A terminal that is sent nothing but what can be shown, wherever a text comes from. */
function showing(
  { progress, columns = UNBOUNDED, errorColumns = UNBOUNDED, ...terminal }: Terminal,
  isJson: boolean,
): Terminal {
  const { styled: isStyled = false, errorStyled = false } = terminal
  const shown = (text: string): string => styled(wrapped(printable(text, isStyled), columns), isStyled)
  return {
    ...terminal,
    print: (text) => terminal.print(isJson ? printable(text) : shown(text)),
    printError: (text) => terminal.printError(styled(wrapped(printable(text), errorColumns), errorStyled)),
    progress: {
      expect: (stages, goesOn) => progress.expect?.(stages, goesOn),
      stage: (text, index, resumedAt) => progress.stage(printable(text), index, resumedAt),
      step: (done, total, detail) => progress.step(done, total, detail === undefined ? undefined : printable(detail)),
      note: (text) => progress.note(styled(wrapped(printable(text), errorColumns), errorStyled)),
      end: () => progress.end(),
    },
  }
}

async function dispatch(args: readonly string[], version: string, terminal: Terminal & Context): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const all = `${name === undefined ? `${await welcome()}\n\n` : ''}${overview(commands)}`
    terminal.print(rest[0] === undefined || name !== 'help' ? all : await help(rest[0], terminal))
    return 0
  }
  if (name === '--version' || name === '-v') {
    terminal.print(version)
    return 0
  }
  if (name === 'complete') {
    await (await import('./completion.ts')).complete(rest)
    return 0
  }
  if (name.startsWith('-')) throw noSuchOption(name, rest)
  const entry = entryOf(name)
  if (asksForHelp(rest)) {
    terminal.print(await help(name, terminal))
    return 0
  }
  const command: Command = await entry.load()
  const table = command.options
  const read = readArguments(name, entry.operands, table, rest)
  const { changes, ...inFiles } = await inFolders(read, table, command.writesFolders === true)
  const outcome =
    changes === undefined
      ? await perform(command, inFiles, terminal)
      : await changeFolder(name, changes, inFiles.options, terminal.signal, async (own, args) => {
          // Files of a folder that is not written yet; those of the last graph must not be in the way of the next.
          const context = { ...terminal, files: new FileClaims() }
          return (await perform(await entryOf(own).load(), args, context)) as CommandReport
        })
  terminal.progress.end()
  if (typeof outcome === 'number') return outcome
  const { text, content, kind = name, code = EXIT.done, notes = [] } = outcome
  terminal.print(terminal.json ? jsonDocument(kind, content) : text)
  for (const note of notes) terminal.progress.note(note)
  return code
}

/** Runs a command on files. */
async function perform(
  command: Command,
  { operands, options }: ParsedArguments,
  context: Context,
): Promise<number | CommandReport> {
  const { options: table, alone } = command
  // Before anything is done: nothing that is read is written over, and nothing is written twice.
  await claimOutputs(context.files, command, { operands, options })
  await claimInputs(context.files, table, { operands, options })
  await using _locks = await context.files.lock(alone)
  return await command.run(operands, options, context).catch((error: unknown) => {
    throw namedSettings(table, naming(operands[0] ?? '', error))
  })
}

/** An error that names options as a command line gives them. */
function namedSettings(table: OptionTable, error: unknown): unknown {
  if (!isTpError(error) || error instanceof RefusalError) return error
  const message = namingSettings(table, error.message)
  if (message === error.message) return error
  return new TpError(error.code as `TP_${string}`, error.where, message.replace(`[${error.where}] `, ''), {
    cause: error.cause,
  })
}

async function help(name: string, { verbose }: Context): Promise<string> {
  const entry = entryOf(name)
  return helpOf(name, entry, await entry.load(), verbose)
}

function entryOf(name: string): CommandEntry {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) throw noSuchCommand(name)
  return entry
}

function noSuchCommand(name: string): TpError {
  const names = Object.keys(commands)
  const meant = didYouMean(name, [...names, 'help', 'complete', 'version'], (found) =>
    found === 'version' ? 'tp --version' : `tp ${found}`,
  )
  const all = meant === '' ? `; there are ${names.join(', ')}` : `${meant} tp --help lists all commands`
  return usageError(`there is no command "${name}"${all}`)
}

/** In the place of a command. */
function noSuchOption(option: string, others: readonly string[]): TpError {
  const isEarly = others.some((other) => Object.hasOwn(commands, other))
  const meant = isEarly ? '' : didYouMean(option, ['--version', '--help'], (found) => `tp ${found}`)
  const advice = meant === '' ? '; give the command first: tp COMMAND [options];' : meant
  return usageError(`there is no option ${option} without a command${advice} tp --help lists all commands`)
}

function asksForHelp(args: readonly string[]): boolean {
  return beforeDashes(args).some((arg) => arg === '--help' || arg === '-h')
}

/** Any command takes `--verbose`, anywhere among its arguments. */
function withoutVerbose(args: readonly string[]): readonly string[] {
  const before = beforeDashes(args)
  return [...before.filter((arg) => arg !== '--verbose'), ...args.slice(before.length)]
}

export function asksForJson(args: readonly string[]): boolean {
  return beforeDashes(args).includes('--json')
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  return end < 0 ? args : args.slice(0, end)
}

/** The message, and under it the code; a bug of ours shows where it is. */
export function describe(error: unknown, isVerbose: boolean): string {
  if (error instanceof RefusalError && !isVerbose && error.refusal.node !== undefined)
    return `${error.messageWithoutNode} (--verbose names the node)${codeOf(error)}`
  if (isTpError(error)) return `${error.message}${placeOf(error)}${codeOf(error)}`
  return `[tp] this is a bug in tp, please report it: ${error instanceof Error ? error.stack : String(error)}\ncode: TP_INTERNAL`
}

/** The code of an error, under the address of its cause and cure. */
function codeOf({ code }: TpError): string {
  return `\nsee ${ERRORS}#${code.toLowerCase()}\ncode: ${code}`
}
const ERRORS = 'https://github.com/tp-pruning/tp/blob/main/docs/errors.md'

/** Where a method threw, for its author. */
function placeOf({ code, cause }: TpError): string {
  if (code !== 'TP_METHOD' || !(cause instanceof Error)) return ''
  const [place] = /^ +at .*$/m.exec(cause.stack ?? '') ?? []
  return place === undefined ? '' : `\n${place}`
}

/** The message for a user who has ended a command. */
async function canceled(files: FileClaims): Promise<string> {
  const written = await files.written()
  return `Canceled; ${written.length === 0 ? 'nothing was written' : `written so far: ${written.join(', ')}`}.`
}

export function errorDocument(error: unknown): string {
  if (error instanceof RefusalError) return jsonDocument('refusal', error.refusal)
  if (isTpError(error)) return jsonDocument('error', { code: error.code, where: error.where, message: error.message })
  const message = error instanceof Error ? error.message : String(error)
  return jsonDocument('error', { code: 'TP_INTERNAL', where: 'tp', message })
}
