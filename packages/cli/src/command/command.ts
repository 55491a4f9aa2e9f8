import type { Arguments, OptionTable } from './arguments.ts'
import type { Context } from './context.ts'

/** One sub-command: what `tp help` says of it, what it takes, and what it does. */
export interface Command {
  readonly summary: string
  /** What stands between `tp NAME` and the options. */
  readonly operands: readonly string[]
  readonly options: OptionTable
  /** Sentences and examples under the options in `--help`. */
  readonly notes?: readonly string[]
  /** @returns the exit code */
  run(operands: readonly string[], options: Arguments<OptionTable>, context: Context): Promise<number>
}

interface CommandOf<Table extends OptionTable> extends Omit<Command, 'options' | 'run'> {
  readonly options: Table
  run(operands: readonly string[], options: Arguments<Table>, context: Context): Promise<number>
}

/** Gives `run` the types of the options that the command declares. */
export function command<Table extends OptionTable>(definition: CommandOf<Table>): Command {
  return definition as unknown as Command
}
