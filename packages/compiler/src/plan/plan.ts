import { type AmountName, amountNames, amountRules, isRecord, type OptionValues } from '@tp/core/host'
import {
  array,
  boolean,
  custom,
  integer,
  literal,
  minLength,
  minValue,
  number,
  picklist,
  pipe,
  record,
  regex,
  string,
  union,
} from 'valibot'
import type { Field, FieldsOf } from './field.ts'
import { type QuantizeOptions, quantizeFields } from './quantize-options.ts'

/**
 * The changes to make to a model, as JSON, in the words of the command line. Without an amount only dead tokens are
 * eliminated, as with the method `none`, and a method acts that needs none.
 */
export interface Plan extends Amounts {
  /** Of the JSON Schema, for editors. */
  readonly $schema?: string
  readonly format: 1
  /** Name of the method, or of two that act one after the other: `thin-padding+stride`. */
  readonly method: string
  /** The method's own options. */
  readonly params?: OptionValues
  /**
   * Name of the encoder to prune in a file that holds several (see `inspect`); default: every one that can be pruned.
   */
  readonly encoder?: string
  /**
   * Layers, from 0, or by name of the encoder those of each; encoders that are not named are not pruned. Default: all but
   * the first, and in a model that was pruned before all that are open. Where layers are left out, those that remain are counted.
   */
  readonly layers?: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined
  /** Tokens that are always kept, as indices among an example's real ones: those found by data flow (`auto`, the default), or these. */
  readonly protect?: 'auto' | readonly number[]
  /**
   * Height and width of all images, `224x224`, for a model that takes any size: what depends on them alone is computed once. The result
   * takes images of this size only.
   */
  readonly imageSize?: string
  /**
   * Of the prompt of a decoder at least so many tokens are kept, so that shorter prompts are computed whole; default 512, 0: no such limit. Encoders
   * have no such number.
   */
  readonly leastTokens?: number
  /**
   * A segment that is always kept as a whole, for pairs of texts: 0 is the first text with the class token and the separator
   * after it, as `token_type_ids` number them. A rule that would keep fewer tokens keeps these alone.
   */
  readonly protectSegment?: number
  /**
   * The token that ends a segment, by its id: for `protectSegment` in a model that has no input of segment numbers. Several in
   * a row end one segment together.
   */
  readonly separator?: number
  /**
   * Whether removed tokens are restored. `auto` (the default): where outputs need it, and as they need it. Frames and patches come
   * back as the token that they were merged into, or else the nearest kept one (`nearest`): a decoder, or a head for each of them, reads each as often as its neighborhood is
   * long. Of texts, an output of token states, which are pooled outside if at all, has the mean of the kept tokens in the other
   * rows, so that a mean over all rows by the model's own mask is that of the kept tokens, each counted as often as tokens were
   * merged into it; a head that is in the file sees the kept tokens. Where a head answers for each token of a text, each has the
   * state that it had when it was removed. A method that says what removed tokens would have become (`completes`) restores them with that, for pooling heads, too.
   * `nearest`: a removed token has the state of the one that it was merged into, or else of the kept one that is nearest in position, of a token that stands for no part of the
   * input (class, distillation and register tokens, the first one of a text that is pooled outside) only where no other is kept; other protected tokens are neighbors like any; at the outputs if these are token states, else upstream of the final norm and of any head.
   * `all`: every token has the state that it had, upstream of the final norm and of any head, pooling ones too. `none`: never. With
   * `none` outputs of one row for every token have one for every kept token, and two outputs int64 [b,k] say what these rows are:
   * `tp.mask` which are real tokens (1), what a decoder that reads them takes as its encoder's attention mask, and `tp.positions`
   * the position of each in the model's input. `weighed`: as `none`, and one channel of the states that an encoder gives says how many tokens each row
   * stands for, for a decoder that `weighStates` has changed: it then attends to a kept row as to as many copies of it; an output float [b,k],
   * `tp.weights`, says the logarithms of these numbers.
   */
  readonly restore?: 'auto' | 'nearest' | 'none' | 'all' | 'weighed'
  /** Names of the outputs to keep; the others are removed with all that only they need. Default: all. */
  readonly outputs?: readonly string[]
  /**
   * Layers to leave out before tokens are pruned, as `leaveOut` does: from 0, in the file's own numbering. Those that remain are
   * numbered from 0 again, and the schedule is about these. In a file of several encoders `encoder` names the one that is meant.
   */
  readonly leaveOut?: readonly number[]
  /** Stores the weights of the pruned model in 8 bits, as `quantize` does with these options (`{}`: the defaults). */
  readonly quantize?: QuantizeOptions
  /**
   * The examples that chose the plan, seven characters for each (`joinMarks` of @tp/data). The file remembers them, so that
   * `check` can tell that others are needed; of more than 10,000 the 10,000 whose marks are the least.
   */
  readonly chosenOn?: string
  /** Packs the result, as `pack` does: padding of a batch costs nothing. */
  readonly pack?: true
}

/** Fields that name transforms, and the method and its schedule; `prune` has all others as options. */
type FieldOfPlan =
  | '$schema'
  | 'format'
  | 'method'
  | 'params'
  | 'layers'
  | AmountName
  | 'imageSize'
  | 'leastTokens'
  | 'leaveOut'
  | 'quantize'
  | 'pack'

/** Options of `prune` that a plan has, too. */
export type PlannedOption = Exclude<keyof Plan, FieldOfPlan>

/** How many tokens are kept, by one of the rules: one number for all layers, or one for each. */
type Amounts = Readonly<Partial<Record<AmountName, number | readonly number[] | undefined>>>

const numbers = array(number())
const index = pipe(number(), integer(), minValue(0))
const indexes = array(index)
const text = pipe(string(), minLength(1))
/** Before a record, which would make an object of a list. */
const object = custom<Record<string, unknown>>(isRecord)
const restores = ['auto', 'nearest', 'none', 'all', 'weighed'] as const

const amountFields = Object.fromEntries(
  Object.values(amountRules).map(({ name, letter, description }): [AmountName, Field<number | readonly number[]>] => [
    name,
    {
      schema: union([number(), numbers]),
      form: 'a number or a list of numbers',
      code: 'TP_SCHEDULE',
      description,
      excludes: amountNames.filter((other) => other !== name),
      written: {
        as: 'amounts',
        value: `${letter}[,${letter}…]`,
        ...(name === 'remove' && { note: '--param r=R means the same if no other amount is given' }),
      },
    },
  ]),
) as unknown as Pick<FieldsOf<Plan>, AmountName>

/** So many tokens of a prompt are kept at least if nothing says otherwise: see docs/decoders.md. */
export const LEAST_TOKENS = 512

/**
 * All fields of a plan. The command line, its help, JSON Schema, the table in the documents and the checks of what programs pass
 * are made from it: a new field is an entry here, and in the transform that obeys it.
 */
export const planFields: FieldsOf<Plan> = {
  format: { schema: literal(1), form: '1', code: 'TP_PLAN', description: 'the format of the file, always 1' },
  method: {
    schema: text,
    form: 'a text',
    code: 'TP_METHOD',
    description: 'the pruning method, or two that act in turn (A+B)',
    written: { as: 'text', value: 'NAME', note: 'tp methods lists them' },
  },
  layers: {
    schema: union([numbers, pipe(object, record(string(), numbers))]),
    form: 'a list of numbers, or an object of such lists by encoder',
    code: 'TP_SCHEDULE',
    description:
      'layers where tokens are pruned, from 0; default: all but the first, or all open ones of a pruned model',
    written: {
      as: 'layers',
      value: '[ENCODER:]L1,L2,…',
      note: 'with --weights, those that the values were trained at. In a file with several encoders once for each',
    },
  },
  ...amountFields,
  imageSize: {
    schema: pipe(string(), regex(/^[1-9]\d*x[1-9]\d*$/)),
    form: 'a height and a width, as 224x224',
    code: 'TP_OPTION',
    description: 'height and width of all images, for a model that takes any: the result takes these alone',
    written: { as: 'text', value: 'HxW' },
  },
  leastTokens: {
    schema: index,
    form: 'a whole number, from 0',
    code: 'TP_OPTION',
    default: LEAST_TOKENS,
    description: 'tokens of a prompt that a decoder keeps at least, so that shorter ones are whole; 0: no such limit',
    written: { as: 'whole number', value: 'N' },
  },
  encoder: {
    schema: text,
    form: 'the name of an encoder',
    code: 'TP_ENCODER',
    description: 'which of several encoders; default: all prunable; tp inspect lists them',
    written: { as: 'text', value: 'NAME' },
  },
  params: {
    schema: pipe(object, record(string(), union([number(), string(), boolean()]))),
    form: 'an object of numbers, texts, and true or false',
    code: 'TP_OPTION',
    description: 'options of the method; tp methods lists them',
    written: {
      as: 'pairs',
      name: 'param',
      value: 'NAME=VALUE',
      description: 'an option of the method; tp methods lists them',
    },
  },
  protect: {
    schema: union([literal('auto'), numbers]),
    form: '"auto" or a list of positions',
    code: 'TP_PROTECT',
    default: 'auto',
    description: "tokens to keep always, by number among an example's real tokens; auto: those that the head reads",
    written: { as: 'positions', value: 'auto|none|P,P…' },
  },
  protectSegment: {
    schema: index,
    form: 'the number of a segment, from 0',
    code: 'TP_PROTECT',
    description: 'a segment of pairs to keep whole; 0: the query, with class token and separator',
    written: { as: 'whole number', value: 'N' },
  },
  separator: {
    schema: index,
    form: 'the id of a token',
    code: 'TP_PROTECT',
    description: 'id of the token that ends a segment; default: from token_type_ids or the tokenizer',
    needs: ['protectSegment'],
    written: { as: 'whole number', value: 'ID' },
  },
  restore: {
    schema: picklist(restores),
    form: '"auto", "nearest", "none", "all" or "weighed"',
    code: 'TP_OPTION',
    default: 'auto',
    description:
      'rows of pruned tokens; auto, where outputs need them: for frames and patches that which they were merged into or else the nearest kept one, for texts the mean of the kept ones in states and the last state in answers; weighed: none, and states say how much each counts',
    written: { as: 'word', value: restores.join('|'), words: restores },
  },
  outputs: {
    schema: array(string()),
    form: 'a list of names of outputs',
    code: 'TP_OUTPUT',
    description: 'outputs to keep; default: all, and a model is refused where one shows tokens between layers',
    written: { as: 'names', value: 'NAME,NAME…' },
  },
  leaveOut: {
    schema: indexes,
    form: 'a list of numbers of layers, from 0',
    code: 'TP_LAYERS',
    description:
      'layers to leave out whole, from 0; pruning then counts the remaining ones from 0; in a file with several encoders, name one with encoder',
    written: { as: 'whole numbers', value: 'L,L…' },
  },
  quantize: {
    schema: custom<QuantizeOptions>(isRecord),
    form: 'an object, the options of quantize; {} for the defaults',
    code: 'TP_OPTION',
    fields: quantizeFields,
    description: 'store the result in 8 bits, with these options of quantize',
    written: { as: 'flag' },
  },
  chosenOn: {
    schema: pipe(string(), regex(/^(?:[0-9a-z]{7}){1,10000}$/)),
    form: 'marks of 10,000 examples at most, of seven digits and lowercase letters each',
    code: 'TP_PLAN',
    description: 'the examples that chose the plan, as tp optimize writes them; tp check judges by others',
  },
  pack: {
    schema: literal(true),
    form: 'true',
    code: 'TP_OPTION',
    description:
      'pack the result, so that padding of batches costs nothing; fastest with the kernels of @tp/runtime-native',
  },
  $schema: {
    schema: string(),
    form: 'the address of the JSON Schema',
    code: 'TP_PLAN',
    description: 'JSON Schema of plans, for editors: plan.schema.json of @tp/compiler',
  },
}

const fieldsOfPlan: readonly (keyof Plan)[] = [
  '$schema',
  'format',
  'method',
  'params',
  'layers',
  ...amountNames,
  'imageSize',
  'leastTokens',
  'leaveOut',
  'quantize',
  'pack',
] satisfies FieldOfPlan[]

/** The fields of {@link PlannedOption}. */
export const plannedOptions: FieldsOf<Pick<Plan, PlannedOption>> = Object.fromEntries(
  Object.entries(planFields).filter(([name]) => !fieldsOfPlan.includes(name as keyof Plan)),
) as unknown as FieldsOf<Pick<Plan, PlannedOption>>
