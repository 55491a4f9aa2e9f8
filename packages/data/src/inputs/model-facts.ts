import { isRecord } from '@tp/core/host'
import type { ImageFraming } from '../datasets/dataset.ts'
import type { Normalization } from './normalization.ts'
import { type Pooling, poolingOf, type SentenceModule } from './pooling.ts'
import { type SentencePrompts, sentencePrompts } from './sentence-prompts.ts'

type Problem = 'classes' | 'labels' | 'numbers'

/** The facts about a model's inputs, classes and vectors in the files next to it; missing facts are undefined. */
export interface ModelFacts {
  /** Class names by number, from config.json. */
  readonly labels: readonly string[] | undefined
  /** The `problem_type` of config.json: classes that exclude each other, labels of which several may hold, or numbers that are estimated. */
  readonly problem: Problem | undefined
  /**
   * Longest text in tokens, special ones included, as Sentence Transformers counts it: `max_seq_length`, or else
   * `model_max_length` of tokenizer_config.json; never more than the model has positions. What tokenizer.json itself is cut at is a
   * remnant of training, and none of these libraries follows it.
   */
  readonly maxTokens: number | undefined
  readonly vocabularySize: number | undefined
  readonly normalization: Normalization | undefined
  /** How images are resized and cropped, from preprocessor_config.json. */
  readonly framing: ImageFraming | undefined
  /** Side of the square images. */
  readonly imageSize: number | undefined
  /** Samples a second. */
  readonly sampleRate: number | undefined
  /** Whether the samples of a recording are brought to a mean of 0 and a variance of 1. */
  readonly normalizesSound: boolean | undefined
  /** How token states become a vector, as Sentence Transformers' files or the training recipe of the model's name have it. */
  readonly pooling: Pooling | undefined
  /** Prompts that texts begin with before they are embedded, by Sentence Transformers' own file. */
  readonly prompts: SentencePrompts | undefined
}

/** Files besides config.json and preprocessor_config.json, read as JSON. */
export interface OtherModelFiles {
  /** tokenizer_config.json. */
  readonly tokenizerConfig?: object | undefined
  /** sentence_bert_config.json. */
  readonly sentence?: object | undefined
  /** The modules of modules.json. */
  readonly modules?: readonly SentenceModule[] | undefined
  /** 1_Pooling/config.json. */
  readonly pooling?: object | undefined
  /** config_sentence_transformers.json. */
  readonly sentences?: object | undefined
  /** The file and its folder, by their names or paths. */
  readonly names?: readonly string[] | undefined
}

const problems: Readonly<Record<string, Problem>> = {
  single_label_classification: 'classes',
  multi_label_classification: 'labels',
  regression: 'numbers',
}

interface Config {
  readonly problem_type?: unknown
  readonly id2label?: Readonly<Record<string, string>>
  readonly max_position_embeddings?: number
  readonly n_positions?: number
  /** For a model of texts and images. */
  readonly text_config?: unknown
  readonly model_type?: string
  /** The name or folder that the weights were loaded from. */
  readonly _name_or_path?: unknown
  readonly architectures?: unknown
  readonly pad_token_id?: number
  readonly vocab_size?: number
  readonly image_size?: unknown
  /** Of images. */
  readonly num_channels?: unknown
}

interface Preprocessor {
  readonly image_processor_type?: unknown
  /** Of recordings, and of images in older versions. */
  readonly feature_extractor_type?: unknown
  /** By channel, or one for all. */
  readonly image_mean?: number | readonly number[] | null
  readonly image_std?: number | readonly number[] | null
  readonly do_normalize?: boolean
  readonly do_rescale?: boolean
  /** The factor by which bytes are multiplied before they are normalized. */
  readonly rescale_factor?: number | null
  readonly sampling_rate?: number
  readonly do_resize?: boolean
  readonly do_center_crop?: boolean
  /** A number: both sides, or the shorter one. */
  readonly size?: unknown
  readonly crop_size?: unknown
  /** As Pillow counts them: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming. */
  readonly resample?: unknown
}

/** Position ids of this family begin after the padding id, so the first rows of the table are never used. */
const POSITIONS_AFTER_PADDING: readonly string[] = ['roberta', 'xlm-roberta', 'camembert', 'xlm-roberta-xl', 'mpnet']

/** Longer texts than any model takes: tokenizer_config.json says "no limit" by a number of 31 digits. */
const NO_LIMIT = 2 ** 24

/** @param config and preprocessor: the two files as Hugging Face lays them out, read as JSON */
export function modelFacts(config: object, preprocessor: object, others: OtherModelFiles = {}): ModelFacts {
  const { vocab_size: vocabularySize, image_size: imageSize }: Config = config
  const { sampling_rate: sampleRate }: Preprocessor = preprocessor
  return {
    labels: labelsOf(config),
    problem: problemOf(config),
    maxTokens: maxTokensOf(config, others),
    vocabularySize,
    normalization: normalizationOf(preprocessor, config),
    framing: framingOf(preprocessor),
    imageSize: typeof imageSize === 'number' ? imageSize : undefined,
    sampleRate,
    normalizesSound: normalizesSound(preprocessor),
    pooling: poolingFacts(config, others),
    prompts: sentencePrompts(others.sentences, others.pooling),
  }
}

/** The name of a file or folder tells more than what its weights were loaded from, which may be the model they were trained from. */
function poolingFacts({ _name_or_path: from, architectures }: Config, others: OtherModelFiles): Pooling | undefined {
  const { modules = [], pooling: config, names: own = [] } = others
  const [names, classes] = [[...own, from], [architectures].flat()].map((all) =>
    all.filter((name) => typeof name === 'string'),
  )
  return poolingOf({ modules, config, names: names ?? [], architectures: classes ?? [] })
}

/** Names of classes, by the names of a model's numbers: one number is an estimate, or tells two classes apart, and has the name of neither. */
export function classNames(labels: readonly string[] | undefined): readonly string[] | undefined {
  return labels?.length === 1 ? undefined : labels
}

function labelsOf({ id2label }: Config): readonly string[] | undefined {
  if (typeof id2label !== 'object' || id2label === null) return undefined
  return Array.from({ length: Object.keys(id2label).length }, (_, id) => {
    const label: unknown = id2label[id]
    return typeof label === 'string' ? label : `LABEL_${id}`
  })
}

function problemOf({ problem_type: type }: Config): Problem | undefined {
  return typeof type === 'string' && Object.hasOwn(problems, type) ? problems[type] : undefined
}

function maxTokensOf(config: Config, { sentence, tokenizerConfig }: OtherModelFiles): number | undefined {
  const { max_seq_length: ofSentences }: { readonly max_seq_length?: unknown } = sentence ?? {}
  const { model_max_length: ofTokenizer }: { readonly model_max_length?: unknown } = tokenizerConfig ?? {}
  const limits = [positionsOf(config), lengthOf(ofSentences) ?? lengthOf(ofTokenizer)]
  const known = limits.filter((limit) => limit !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

function positionsOf(config: Config): number | undefined {
  const { model_type: type, pad_token_id: pad, text_config: ofTexts } = config
  const positions = lengthOf(config.max_position_embeddings ?? config.n_positions)
  if (positions === undefined) return isRecord(ofTexts) ? positionsOf(ofTexts) : undefined
  return type !== undefined && POSITIONS_AFTER_PADDING.includes(type) ? positions - (pad ?? 1) - 1 : positions
}

/** A number of tokens, at least the special ones and one more. */
function lengthOf(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 3 && (value as number) < NO_LIMIT
    ? (value as number)
    : undefined
}

function normalizationOf(
  { do_rescale: isRescaling, rescale_factor: factor, ...preprocessor }: Preprocessor,
  { num_channels: channels }: Config,
): Normalization | undefined {
  const asTheyAre = Array.from({ length: isSide(channels) ? channels : 3 }, () => 0)
  const { image_mean: mean, image_std: std } =
    preprocessor.do_normalize === false ? { image_mean: asTheyAre, image_std: 1 } : preprocessor
  if (mean == null || std == null) return undefined
  // Transformers normalizes numbers in which white is this one; here it is 1.
  const white = 255 * (isRescaling === false ? 1 : (factor ?? 1 / 255))
  const scale = Math.abs(white - 1) < 1e-6 ? 1 : white
  const scaled = (values: number | readonly number[]): number[] => [values].flat().map((value) => value / scale)
  return { mean: scaled(mean), std: scaled(std) }
}

/** Of the feature extractors of transformers that return samples, one normalizes them by default. */
function normalizesSound({ do_normalize: own, feature_extractor_type: type }: Preprocessor): boolean | undefined {
  return own ?? (type === 'Wav2Vec2FeatureExtractor' || undefined)
}

/** As the image processors of transformers read it (`ViTImageProcessor`, `CLIPImageProcessor`, `BitImageProcessor` and the like). */
function framingOf(preprocessor: Preprocessor): ImageFraming | undefined {
  const { size, crop_size: cropSize, do_resize: isResizing, do_center_crop: isCropping } = preprocessor
  const crop = isCropping === true ? sidesOf(cropSize) : undefined
  const isSquare =
    crop === undefined || SQUARE.test(`${preprocessor.image_processor_type ?? preprocessor.feature_extractor_type}`)
  const shortest = isRecord(size) ? size.shortest_edge : isSquare ? undefined : size
  const sides = isSide(shortest) ? { shortestEdge: shortest } : sidesOf(size)
  const resize = isResizing === false ? undefined : sides
  if (crop === undefined && resize === undefined) return undefined
  return { resize, crop, kernel: KERNELS[Number(preprocessor.resample ?? 2)] }
}

/** Those that crop the center, and read a size of one number as both sides, where others read the shorter one. */
const SQUARE = /^(?:DeiT|Beit|Perceiver|EfficientNet)/

const KERNELS = ['nearest', 'lanczos3', 'linear', 'cubic', 'box', 'hamming'] as const

function sidesOf(size: unknown): { readonly height: number; readonly width: number } | undefined {
  const { height, width } = isRecord(size) ? size : { height: size, width: size }
  return isSide(height) && isSide(width) ? { height, width } : undefined
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 16
}
