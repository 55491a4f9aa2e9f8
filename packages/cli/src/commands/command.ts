import type { Output } from '@tp/data/files'
import { type Arguments, commonOptions, type OptionTable } from '../arguments/option.ts'
import type { Context } from '../context/context.ts'

/** The outcome of a command, which is printed as a text or, with `--json`, as one document. */
export interface CommandReport {
  readonly text: string
  readonly content: object
  /** The kind of the document; default: the name of the command. */
  readonly kind?: string
  /** Default: 0. */
  readonly code?: number
  /** Values that the method of its plan has learned, as a safetensors file. */
  readonly values?: Uint8Array
  /** Notes after it. */
  readonly notes?: readonly string[]
}

/** A sub-command: its options, and its action. */
export interface Command {
  readonly options: OptionTable
  /** Lines under the options in `--help`. */
  readonly notes?: readonly string[]
  /** Files that it is going to write besides those that its options name. */
  writes?(options: Arguments<OptionTable>, operands: readonly string[]): readonly Output[]
  /** Whether it writes a model folder of a folder. */
  readonly writesFolders?: boolean
  /** The outputs, by the options that name them, at which only one such command at a time works: it takes long, and saves its state next to them. */
  readonly alone?: readonly string[]
  /** @returns the report, or the exit code of a command that has printed it */
  run(operands: readonly string[], options: Arguments<OptionTable>, context: Context): Promise<number | CommandReport>
}

interface CommandOf<Table extends OptionTable> extends Omit<Command, 'options' | 'run' | 'writes'> {
  readonly options: Table
  writes?(options: Arguments<Table>, operands: readonly string[]): readonly Output[]
  run(operands: readonly string[], options: Arguments<Table>, context: Context): Promise<number | CommandReport>
}

/** Adds the common options, and gives `run` the types of those that the command declares. */
export function command<const Table extends OptionTable>(definition: CommandOf<Table>): Command {
  const options = { ...definition.options, ...commonOptions }
  return { ...definition, options } as unknown as Command
}

/** The facts about a sub-command before it is loaded. */
export interface CommandEntry {
  readonly summary: string
  /** The operands between `tp NAME` and the options. */
  readonly operands: readonly string[]
  load(): Promise<Command>
}

/** The time of a command, for its report. */
export function millisecondsSince(start: number): { readonly milliseconds: number } {
  return { milliseconds: Math.round(performance.now() - start) }
}
