import { isRecord, shown } from '@tp/core/host'
import { boolean, type GenericSchema, is } from 'valibot'

/** How the value of a field is written on a command line; each kind has one reader there. */
export type WrittenAs =
  | 'text'
  | 'names'
  | 'word'
  | 'whole number'
  | 'whole numbers'
  | 'positions'
  | 'amounts'
  | 'layers'
  | 'pairs'
  | 'flag'
  | 'inverse flag'

/** A field as an option of the command line. */
export interface WrittenField {
  readonly as: WrittenAs
  /** Name of the option; default: that of the field in kebab-case. */
  readonly name?: string
  /** The placeholder of its value in `--help`. */
  readonly value?: string
  /** Words that a field may be. */
  readonly words?: readonly string[]
  /** Added to the description in `--help`. */
  readonly note?: string
  /** In place of the field's, where the option says the opposite. */
  readonly description?: string
}

/** How a field, or an option of the command line, depends on others. */
export interface Relations {
  /** Those without which it has no effect: one of them has to be there. */
  readonly needs?: readonly string[]
  /** Those that it cannot be given with. */
  readonly excludes?: readonly string[]
  /** Why, where that is not plain. */
  readonly because?: string
}

/** One field of a plan, or one option of a transform: all that is known of it, for whatever reads or describes it. */
export interface PlanField extends Relations {
  /** One line without a full stop, for `--help`, documents and JSON Schema. */
  readonly description: string
  /** The value that it has where it is missing; absent where that depends on the model, or on other fields. */
  readonly default?: unknown
  /** The form of a valid value, for messages. */
  readonly form: string
  readonly written?: WrittenField
  /** The fields of an object. */
  readonly fields?: PlanFields
}

export type PlanFields = Readonly<Record<string, PlanField>>

/** A field, and the check of its value. */
export interface Field<Value> extends PlanField {
  readonly schema: GenericSchema<unknown, Value>
  /** The code of the error where a program passes the option. */
  readonly code: `TP_${string}`
  readonly fields?: Fields
}

type Fields = Readonly<Record<string, Field<unknown>>>

/** The check of a field that is true or false. */
export const flag: Pick<Field<boolean>, 'schema' | 'form' | 'code'> = {
  schema: boolean(),
  form: 'true or false',
  code: 'TP_OPTION',
}

/** The fields of an object, each checked against its type. */
export type FieldsOf<Options> = { readonly [Name in keyof Options]-?: Field<NonNullable<Options[Name]>> }

/** A problem of one field, as a sentence without the place where it was found. */
export interface FieldProblem {
  readonly message: string
  /** Of the field; absent for one that does not exist, and where fields contradict each other. */
  readonly code?: `TP_${string}` | undefined
}

/**
 * The first field that is not as it must be; a field that is undefined counts as missing.
 * @param unknown the message for a name that is not a field's
 */
export function problemOf(
  values: Readonly<Record<string, unknown>>,
  fields: Fields,
  unknown: (name: string, known: string) => string = (name, known) => `there is no option ${name}; there are ${known}`,
): FieldProblem | undefined {
  for (const [name, value] of Object.entries(values)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) return { message: unknown(name.slice(0, 40), Object.keys(fields).join(', ')) }
    if (value === undefined) continue
    if (!is(field.schema, value)) return { message: mismatch(name, value, field), code: field.code }
    const inner = field.fields && isRecord(value) ? problemOf(value, field.fields) : undefined
    if (inner !== undefined) return { message: `${name}: ${inner.message}`, code: field.code }
  }
  const message = contradiction(values, fields)
  return message === undefined ? undefined : { message }
}

/** `keep is "0.7"; it must be a number` */
export function mismatch(name: string, value: unknown, { form }: PlanField): string {
  return `${name} is ${shown(value)}; it must be ${form}`
}

/**
 * The first two fields that cannot be given together, or else the first that lacks what it needs.
 * @param label names a field where it occurs, and where it is required
 */
export function contradiction(
  values: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Relations>>,
  label: (name: string, isMissing?: boolean) => string = (name) => name,
): string | undefined {
  const isThere = (name: string): boolean => values[name] !== undefined
  const present = Object.entries(fields).filter(([name]) => isThere(name))
  const why = ({ because }: Relations): string => (because === undefined ? '' : `; ${because}`)
  for (const [name, relations] of present) {
    const other = relations.excludes?.find(isThere)
    if (other !== undefined) return `give only one of ${label(name)} and ${label(other)}${why(relations)}`
  }
  for (const [name, relations] of present) {
    const { needs } = relations
    if (needs === undefined || needs.some(isThere)) continue
    return `${label(name)} requires ${needs.map((other) => label(other, true)).join(' or ')}${why(relations)}`
  }
  return undefined
}
