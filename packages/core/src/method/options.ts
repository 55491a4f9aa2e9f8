import { TpError } from '../errors.ts'
import { isRecord } from '../is-record.ts'

/** The values that one option of a method takes; command lines parse by it, and it is checked wherever a value comes from. */
export type OptionSpec = {
  /** Its effect, in one line without a full stop; names the default if it is not in `default`. */
  readonly description: string
} & (
  | { readonly type: 'integer' | 'number'; readonly default?: number; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | { readonly type: 'string'; readonly default?: string; readonly choices?: readonly string[] }
)

export type OptionSpecs = Readonly<Record<string, OptionSpec>>
export type OptionValue = number | boolean | string
export type OptionValues = Readonly<Record<string, OptionValue | undefined>>

/** For a method without options. */
export type NoOptions = Readonly<Record<string, never>>

/** @throws TpError TP_OPTION for an option that is unknown, of the wrong type, or out of range */
export function checkOptions(method: string, specs: OptionSpecs, values: object): void {
  if (!isRecord(values)) throw problem(method, `its options are ${String(values)}; they must be an object`)
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined) continue
    const spec = specOf(method, specs, name)
    if (!accepts(spec, value)) throw problem(method, `${name} is ${String(value)}; it must be ${describe(spec)}`)
  }
}

/**
 * Options written as text, `--param name=value`.
 * @throws TpError TP_OPTION for an option that is unknown, or text that its type cannot be read from
 */
export function parseOptions(
  method: string,
  specs: OptionSpecs,
  texts: Readonly<Record<string, string>>,
): Record<string, OptionValue> {
  const values: Record<string, OptionValue> = {}
  for (const [name, text] of Object.entries(texts)) {
    const spec = specOf(method, specs, name)
    const value = parse(spec, text)
    if (value === undefined || !accepts(spec, value)) {
      throw problem(method, `${name} is "${text}"; it must be ${describe(spec)}`)
    }
    values[name] = value
  }
  return values
}

function parse({ type }: OptionSpec, text: string): OptionValue | undefined {
  if (type === 'string') return text
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  return text.trim() === '' ? undefined : Number(text)
}

function accepts(spec: OptionSpec, value: unknown): boolean {
  switch (spec.type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string' && (spec.choices?.includes(value) ?? true)
    case 'integer':
    case 'number': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec
      const isNumber = spec.type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)
      return isNumber && (value as number) >= min && (value as number) <= max
    }
  }
}

/** `a whole number from 1`, for messages. */
function describe(spec: OptionSpec): string {
  if (spec.type === 'boolean') return 'true or false'
  if (spec.type === 'string') return spec.choices === undefined ? 'text' : `one of ${spec.choices.join(', ')}`
  const kind = spec.type === 'integer' ? 'a whole number' : 'a number'
  const from = spec.min === undefined ? '' : ` from ${spec.min}`
  return kind + from + (spec.max === undefined ? '' : ` up to ${spec.max}`)
}

function specOf(method: string, specs: OptionSpecs, name: string): OptionSpec {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
  if (spec !== undefined) return spec
  const known = Object.keys(specs).join(', ')
  throw problem(method, `there is no option ${name}; ${known === '' ? 'the method takes none' : `it takes ${known}`}`)
}

function problem(method: string, message: string): TpError {
  return new TpError('TP_OPTION', method, message)
}
