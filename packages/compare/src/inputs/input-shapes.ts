import { type Inspection, inspect, type Sizes } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type DeclaredValue, Graph, type Model } from '@tp/onnx'

/** The facts about a model that feeding it requires. */
export type InputRoles = Pick<Inspection, 'batch' | 'tokens' | 'mask' | 'maskMarksPadding'> &
  Partial<Pick<Inspection, 'segments' | 'assumed'>>

/** Roles of the inputs; of a model that cannot be pruned, by the names that exporters give. */
export function inputRoles(model: Model): InputRoles {
  const found = inspect(model)
  if (found.ok) return found
  const { inputs } = new Graph(model)
  const text = inputs.find(
    ({ name, type, dims }) => !type.startsWith('float') && dims?.length === 2 && !/mask/.test(name),
  )
  return {
    batch: inputs[0]?.dims?.[0] ?? 1,
    tokens: text?.dims?.[1] ?? 1,
    mask: inputs.find(({ name }) => /mask/.test(name))?.name,
  }
}

export interface InputSizes {
  readonly batch: number
  /** Tokens of a text; images and sounds have their own number. */
  readonly tokens?: number | undefined
}

/** Whether the number of tokens is an input's own length, which a caller chooses. */
export function isText(roles: InputRoles): boolean {
  return typeof roles.tokens === 'string' && /^[\w.?]+$/.test(roles.tokens)
}

/** The kind of data that a model reads; `data` where it reads several kinds. */
export type InputKind = 'texts' | 'images' | 'recordings' | 'data'

/** By types and axes of the inputs, whichever sizes are fixed. */
export function inputKind(model: Model): InputKind {
  const { inputs } = new Graph(model)
  const floats = inputs.filter(({ type }) => type.startsWith('float'))
  if (floats.length === 0) return 'texts'
  const ids = inputs.filter(({ name, type }) => !type.startsWith('float') && !/mask/.test(name))
  if (ids.length > 0) return 'data'
  return floats.some(({ dims }) => dims?.length === 4) ? 'images' : 'recordings'
}

/**
 * Shape of each input of a model.
 * @throws TpError TP_INPUT where a size is fixed to another number, or open and undetermined
 */
export function inputShapes(
  model: Model,
  roles: InputRoles,
  requested: InputSizes,
): ReadonlyMap<string, readonly number[]> {
  const graph = new Graph(model)
  return new Map(graph.inputs.map((input) => [input.name, shapeOf(graph, input, roles, requested)]))
}

/** The sizes at which FLOPs are counted: including other free sizes of the inputs, by name. */
export function flopsSizes(model: Model, roles: InputRoles, requested: InputSizes & Pick<Sizes, 'kept'>): Sizes {
  const shapes = inputShapes(model, roles, requested)
  const others: Record<string, number> = {}
  for (const { name, dims = [] } of new Graph(model).inputs) {
    for (const [axis, size] of dims.entries()) {
      if (typeof size === 'string' && size !== '?') others[size] = shapes.get(name)?.[axis] as number
    }
  }
  return { ...requested, others } as Sizes
}

/** Position tables of small text encoders end early. */
const SHORT_TEXT = 8

/** For a recording of any length: one second, as models of speech sample it. */
const SAMPLES = 16_000

function shapeOf(graph: Graph, input: DeclaredValue, roles: InputRoles, { batch, tokens }: InputSizes): number[] {
  const { name, type, dims = [] } = input
  const followsTokens = name === roles.mask || !type.startsWith('float')
  const image = dims.length === 4 ? imageShape(graph, name, roles) : undefined
  const recording = recordingSize(graph)
  return dims.map((size, axis) => {
    const chosen = axis === 0 ? batch : followsTokens ? tokens : undefined
    if (typeof size === 'number') {
      if (chosen === undefined || chosen === size) return size
      const what = axis === 0 ? `a batch of ${size}` : `${size} tokens`
      throw new TpError('TP_INPUT', 'compare', `the model always takes ${what} (input "${name}"), not ${chosen}`)
    }
    // Exporters name the axes of each input for itself: a mask of a recording has an entry for each sample, whatever its axis is called.
    const isMask = name === roles.mask || (followsTokens && /mask/.test(name))
    if (axis === 1 && recording !== undefined && (size === recording || (isMask && !isText(roles)))) return SAMPLES
    // Texts for another encoder may have any length.
    const found = chosen ?? image?.[axis] ?? (type.startsWith('float') || axis === 0 ? undefined : SHORT_TEXT)
    if (found !== undefined) return found
    throw new TpError('TP_INPUT', 'compare', `the size ${size} of input "${name}" is open, and cannot be determined`)
  })
}

/** Name of the number of samples, where a caller chooses it. */
function recordingSize(graph: Graph): string | undefined {
  const waves = graph.inputs.find(({ type, dims }) => type.startsWith('float') && dims?.length === 2)
  const size = waves?.dims?.[1]
  return typeof size === 'string' ? size : undefined
}

/** An image that gives the model's number of tokens, if the file does not fix its size: from the patch convolution. */
function imageShape(graph: Graph, input: string, { tokens }: InputRoles): readonly (number | undefined)[] | undefined {
  const readers = graph.consumers(input).map(({ node }) => node)
  const cast = readers.find(({ opType }) => opType === 'Cast')?.output[0]
  const patches = [...readers, ...(cast === undefined ? [] : graph.consumers(cast).map(({ node }) => node))].find(
    ({ opType }) => opType === 'Conv',
  )
  const [, channels, height, width] = graph.initializer(patches?.input[1] ?? '')?.dims.map(Number) ?? []
  if (height === undefined || width === undefined) return undefined
  // Class tokens are fewer than a row of patches, so the root rounds them away.
  const grid = typeof tokens === 'number' ? Math.floor(Math.sqrt(tokens)) : 14
  return [undefined, channels, grid * height, grid * width]
}
