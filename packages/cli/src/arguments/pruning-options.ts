import { type PlanField, type PlanFields, planFields } from '@tp/compiler'
import { type AmountName, amountNames, amountRules } from '@tp/core/host'
import { type Flag, type FlagSpec, type Several, type TextOption, text } from './option.ts'

/** Options that are given as `--set FIELD=VALUE`, by name. */
type RareOption = 'protect' | 'protect-segment' | 'separator' | 'restore' | 'outputs'

/** Options for the fields of a plan, by the names that commands use; those of other fields are there as well. */
type PlanOptions = Readonly<
  Record<'method' | 'encoder' | 'leave-out' | RareOption | AmountName, TextOption> &
    Record<'param' | 'layers', Several> &
    Record<'quantize', Flag>
>

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
const flops: TextOption = text(
  'F[@N]',
  'find the keep ratio for the fraction F of the FLOPs; for texts of N tokens; with --leave-out, of the FLOPs without those layers',
  { excludes: amountNames },
)

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

const { method, layers, encoder, param, 'leave-out': leaveOut, quantize, keep: _, tokens: __, ...rest } = planOptions
const rare: Readonly<Record<string, TextOption>> = bySet(rest)
/** Keep ratios and numbers of tokens have options of their own. */
const amounts = Object.fromEntries(amountNames.map((name) => [name, rare[name] ?? planOptions[name]])) as Pick<
  PlanOptions,
  AmountName
>
const others = Object.fromEntries(Object.entries(rare).filter(([name]) => !Object.hasOwn(amounts, name))) as Readonly<
  Record<RareOption, TextOption>
>

export const methodOption: Pick<PlanOptions, 'method'> = { method }

/** `--layers`, and how many tokens are kept there. */
export const amountOptions: Pick<PlanOptions, 'layers' | AmountName> & { readonly flops: TextOption } = {
  layers,
  ...amounts,
  flops,
}

/** Options of pruning besides method and amounts; `prune`, `eval` and `bench` take the same. */
export const pruningOptions: Readonly<
  Record<'encoder' | 'weights' | RareOption, TextOption> & Record<'param' | 'plugin' | 'set', Several>
> = {
  encoder,
  param,
  weights: text('FILE', "the method's trained values (safetensors, named layer.B.NAME or NAME)", { reads: 'file' }),
  plugin: text('MODULE', 'path or package with further methods', { multiple: true, reads: 'module' }),
  set: text('FIELD=VALUE', 'another field of the plan', { multiple: true }),
  ...others,
}

/** For commands on one encoder. */
export const encoderOption: Pick<PlanOptions, 'encoder'> = {
  encoder: { ...encoder, description: 'which of several encoders; default: first prunable; tp inspect lists them' },
}

export const leaveOutOption: Pick<PlanOptions, 'leave-out'> = { 'leave-out': leaveOut }

export const quantizeOption: Pick<PlanOptions, 'quantize'> = { quantize }

export const planOption: Readonly<Record<'plan' | 'regime', TextOption>> = {
  plan: text(
    'FILE',
    'a plan as JSON: format, method and, optionally, layers, keep, params, …; tp optimize writes one',
    {
      reads: 'file',
      // Names in both are distinguished: these outputs, and 8 bits, from the pruning of a plan.
      excludes: [...Object.keys(planOptions).filter((name) => !['outputs', 'quantize'].includes(name)), 'flops'],
      because: 'a plan says all of it',
    },
  ),
  regime: text('N', 'the regime of a tuned plan, from 0; default: the last one, for the largest runs', {
    needs: ['plan'],
    through: 'set',
  }),
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
