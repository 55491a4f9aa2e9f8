import type { Relations } from '@tp/compiler'
import type { ReadValue, ValueKind } from './values.ts'

/** The kind of thing that an option's value names. */
export type Reads = 'file' | 'model' | 'data' | 'module'

/** One option, for the parser and for `--help`. */
export interface FlagSpec extends Relations {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** The placeholder of its value in `--help`. */
  readonly value?: string
  readonly description: string
  /** May be given several times. */
  readonly multiple?: boolean
  /** The command cannot do without it; says what it is needed for. */
  readonly required?: string
  /** The kind of file that its value names, if the command reads it. */
  readonly reads?: Reads
  /** The kind of file that its value names, if the command writes it. */
  readonly writes?: 'model' | 'file'
  /** The form of its value; default: a text. */
  readonly is?: ValueKind
  /** Words allowed besides, or alone where the form is `word`. */
  readonly words?: readonly string[]
  /** Of the options in `--help` that it is listed with; default: the first ones, without a heading. */
  readonly heading?: string
  /** The option that it is given through, as `NAME=VALUE`; default: it is one of its own. */
  readonly through?: string
}

export type OptionTable = Readonly<Record<string, FlagSpec>>

export interface TextOption extends FlagSpec {
  readonly type: 'string'
  readonly value: string
}
export interface Several extends TextOption {
  readonly multiple: true
}
export interface CountOption extends TextOption {
  readonly is: 'whole number'
}
export interface Flag extends FlagSpec {
  readonly type: 'boolean'
}

type ValueOf<Spec extends FlagSpec> = Spec extends { readonly type: 'boolean' }
  ? boolean
  : Spec extends { readonly multiple: true }
    ? readonly string[]
    : Spec extends { readonly is: infer Kind extends ValueKind }
      ? ReadValue<Kind> | (Spec extends { readonly words: readonly (infer Word)[] } ? Word : never)
      : string

type RequiredIn<Table extends OptionTable> = {
  [Name in keyof Table]: Table[Name] extends { readonly required: string } ? Name : never
}[keyof Table]

/** The values of options, each in its form; those that are not required may be missing. */
export type Arguments<Table extends OptionTable> = {
  readonly [Name in Exclude<keyof Table, RequiredIn<Table>>]?: ValueOf<Table[Name]>
} & { readonly [Name in RequiredIn<Table>]: ValueOf<Table[Name]> }

type Details = Omit<FlagSpec, 'type' | 'value' | 'description'>

/** An option with a value. */
export function text<const More extends Details = Record<never, never>>(
  value: string,
  description: string,
  more?: More,
): TextOption & More {
  return { type: 'string', value, description, ...more } as TextOption & More
}

/** An option without a value. */
export function flag<const More extends Details = Record<never, never>>(description: string, more?: More): Flag & More {
  return { type: 'boolean', description, ...more } as Flag & More
}

/** Options of every command. */
export const commonOptions: Readonly<Record<'json', Flag>> = { json: flag('print one JSON document') }

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

/** The file that a command writes. */
export const outOption: Readonly<Record<'out', TextOption & { readonly required: string }>> = {
  out: text('OUT', 'the file to write; for a folder, the folder to write; never the model itself', {
    short: 'o',
    required: 'the file to write',
    writes: 'model',
  }),
}

/** Of commands that write a changed model. */
export const verifyOption: Readonly<Record<'no-verify', Flag>> = {
  'no-verify': flag('write the result without comparing it with the model first'),
}

/** Of commands that write a folder of a folder. */
export const folderOptions: Readonly<Record<'force', Flag>> = {
  force: flag('replace the folder that is there; files are always replaced'),
}
