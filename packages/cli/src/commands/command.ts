import type { Output } from '@tp/data/files'
import type { Arguments, OptionTable } from '../arguments/arguments.ts'
import type { Context } from '../context/context.ts'

/** A sub-command: its options, and its action. */
export interface Command {
  readonly options: OptionTable
  /** Lines under the options in `--help`. */
  readonly notes?: readonly string[]
  /** The files that it is going to write, with these options and operands. */
  writes?(options: Arguments<OptionTable>, operands: readonly string[]): readonly Output[]
  /** The option of a file at which only one such command at a time works: it takes long, and saves its state next to it. */
  readonly alone?: string
  /** @returns the exit code */
  run(operands: readonly string[], options: Arguments<OptionTable>, context: Context): Promise<number>
}

interface CommandOf<Table extends OptionTable> extends Omit<Command, 'options' | 'run' | 'writes'> {
  readonly options: Table
  writes?(options: Arguments<Table>, operands: readonly string[]): readonly Output[]
  run(operands: readonly string[], options: Arguments<Table>, context: Context): Promise<number>
}

/** Gives `run` the types of the options that the command declares. */
export function command<const Table extends OptionTable>(definition: CommandOf<Table>): Command {
  return definition as unknown as Command
}

/** The facts about a sub-command before it is loaded. */
export interface CommandEntry {
  readonly summary: string
  /** The operands between `tp NAME` and the options. */
  readonly operands: readonly string[]
  load(): Promise<Command>
}
