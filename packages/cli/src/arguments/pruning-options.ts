import { type Plan, type PlanField, type PlanFields, planFields, type QuantizeOptions } from '@tp/compiler'
import { type AmountName, amountNames, amountRules } from '@tp/core/host'
import type { Flag, FlagSpec, Several, TextOption } from './option.ts'

/** `protectSegment` → `protect-segment` */
type Kebab<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : ''

type OptionName<Name> = Name extends 'params' ? 'param' : Name extends string ? Kebab<Name> : never
type OptionOf<Name extends keyof Plan> =
  NonNullable<Plan[Name]> extends boolean | QuantizeOptions
    ? Flag
    : Name extends 'params' | 'layers'
      ? Several
      : TextOption

/** An option for every field of a plan that a command line writes. */
type PlanOptions = {
  readonly [Name in Exclude<keyof Plan, '$schema' | 'format'> as OptionName<Name>]: OptionOf<Name>
}

/** Name of the option of a field. */
export function optionName(name: string, { written }: PlanField): string {
  return written?.name ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Options of the command line for all fields that it can write. */
export function fieldOptions(fields: PlanFields): Readonly<Record<string, FlagSpec>> {
  const names = (fieldNames: readonly string[]): string[] =>
    fieldNames.map((name) => optionName(name, fields[name] as PlanField))
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      const { written, description, default: preset, needs, excludes } = field
      if (written === undefined) return []
      const { as, value, note } = written
      const spec: FlagSpec = {
        type: as === 'flag' || as === 'inverse flag' ? 'boolean' : 'string',
        ...(value !== undefined && { value }),
        ...((as === 'layers' || as === 'pairs') && { multiple: true }),
        description: written.description ?? [description, ...presetText(preset), ...(note ? [note] : [])].join('; '),
        ...(needs && { needs: names(needs) }),
        ...(excludes && { excludes: names(excludes) }),
      }
      return [[optionName(name, field), spec]]
    }),
  )
}

function presetText(preset: unknown): string[] {
  return typeof preset === 'string' ? [`default ${preset}`] : []
}

/** The options of a plan, as the fields say them. */
const planOptions: PlanOptions = fieldOptions(planFields) as unknown as PlanOptions

/** A share of the FLOPs, for which a keep ratio is found. */
const flops: TextOption = {
  type: 'string',
  value: 'F[@N]',
  description:
    'find the keep ratio that leaves at most the fraction F of the FLOPs, for texts of N tokens; with --leave-out, of the FLOPs without those layers',
  excludes: amountNames,
}

/** Fields that few need are given as `--set FIELD=VALUE`. */
function bySet<Table extends Readonly<Record<string, FlagSpec>>>(
  table: Table,
): Readonly<Record<keyof Table, TextOption>> {
  const all = Object.entries(table).map(([name, { type, value = 'VALUE', ...spec }]) => [
    name,
    { ...spec, type: 'string', value: type === 'boolean' ? 'true|false' : value, through: 'set' },
  ])
  return Object.fromEntries(all) as Record<keyof Table, TextOption>
}

const { method, layers, keep, tokens, remove, threshold, mass, ...besides } = planOptions
const { encoder, param, 'leave-out': leaveOut, quantize, ...others } = besides
/** Keep ratios and numbers of tokens have options of their own. */
const amounts: Pick<PlanOptions, AmountName> = { keep, tokens, ...bySet({ remove, threshold, mass }) }

export const methodOption: Pick<PlanOptions, 'method'> = { method }

/** `--layers`, and how many tokens are kept there. */
export const amountOptions: Pick<PlanOptions, 'layers' | AmountName> & { readonly flops: TextOption } = {
  layers,
  ...amounts,
  flops,
}

/** Options that are not given as `--set FIELD=VALUE`, or not everywhere. */
type OwnOption = 'method' | 'layers' | AmountName | 'encoder' | 'param' | 'leave-out' | 'quantize'

/** Options of pruning besides method and amounts; `prune`, `eval` and `bench` take the same. */
export const pruningOptions: Pick<PlanOptions, 'encoder' | 'param'> &
  Readonly<Record<'weights' | Exclude<keyof PlanOptions, OwnOption>, TextOption> & Record<'plugin' | 'set', Several>> =
  {
    encoder,
    param,
    weights: {
      type: 'string',
      value: 'FILE',
      reads: 'file',
      description: "the method's trained values (safetensors, named layer.B.NAME or NAME)",
    },
    plugin: {
      type: 'string',
      multiple: true,
      value: 'MODULE',
      reads: 'module',
      description: 'path or package with further methods',
    },
    set: {
      type: 'string',
      multiple: true,
      value: 'FIELD=VALUE',
      description: 'another field of the plan',
    },
    ...bySet(others),
  }

export const leaveOutOption: Pick<PlanOptions, 'leave-out'> = { 'leave-out': leaveOut }

export const quantizeOption: Pick<PlanOptions, 'quantize'> = { quantize }

export const planOption: Readonly<Record<'plan' | 'regime', TextOption>> = {
  plan: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description: 'a plan as JSON: format, method and, optionally, layers, keep, params, …; tp optimize writes one',
    // Names in both are distinguished: these outputs, and 8 bits, from the pruning of a plan.
    excludes: [...Object.keys(planOptions).filter((name) => !['outputs', 'quantize'].includes(name)), 'flops'],
    because: 'a plan says all of it',
  },
  regime: {
    type: 'string',
    value: 'N',
    description: 'the regime of a tuned plan, from 0; default: the last one, for the largest runs',
    needs: ['plan'],
    through: 'set',
  },
}

/** The same amounts for commands that compare: each may be given several times, one row of the table each. */
export const comparedAmountOptions: Readonly<Record<AmountName | 'flops', Several>> & Pick<PlanOptions, 'layers'> = {
  layers,
  ...severalOf(amounts),
  flops: { ...flops, multiple: true, excludes: [] },
}

/** One number for each rule that keeps a number of tokens that is known without scores. */
export const countOptions: Readonly<Partial<Record<AmountName, TextOption>>> = Object.fromEntries(
  Object.values(amountRules)
    .filter(({ keptCount }) => keptCount !== undefined)
    .map(({ name, letter }) => [name, { ...amounts[name], value: letter }]),
)

function severalOf(table: Pick<PlanOptions, AmountName>): Readonly<Record<AmountName, Several>> {
  const all = amountNames.map((name) => [name, { ...table[name], multiple: true, excludes: [] }])
  return Object.fromEntries(all) as Record<AmountName, Several>
}
