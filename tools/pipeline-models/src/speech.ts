import {
  add,
  cast,
  concat,
  constant,
  equal,
  gather,
  greater,
  input,
  matmul,
  max,
  mul,
  softmax,
  swapLast,
  unsqueeze,
} from '@tp/core'
import { emitModel, encodeModel } from '@tp/onnx'
import { numbers, runModel, speechEncoder, speechSizes } from 'exported-encoders'
import type { PipelineFolder } from './model-folder.ts'

const { mels, frames, tokens: POSITIONS, hidden: WIDTH } = speechSizes
const RATE = 16_000
const HOP = 160
/** How sharply each head of the decoder attends. */
const heads = [1, 2]

/** Words, special tokens, and time stamps: one for each position. */
const words = ['Ġone', 'Ġtwo', 'Ġthree', 'Ġfour']
const special = ['<|endoftext|>', '<|startoftranscript|>', '<|en|>', '<|transcribe|>', '<|notimestamps|>']
const [END, START, ENGLISH, TRANSCRIBE, PLAIN] = special.map((_, i) => words.length + i) as [
  number,
  number,
  number,
  number,
  number,
]
const ZERO = PLAIN + 1
const LAST = ZERO + 16
const SIZE = ZERO + POSITIONS + 1

/** The words that are transcribed whatever is heard: the token after each. */
const next = new Map([
  [TRANSCRIBE, ZERO],
  [PLAIN, 0],
  [ZERO, 0],
  [0, 1],
  [1, 2],
  [2, 3],
  [3, LAST],
  [LAST, END],
])
/** The position around which each token attends. */
const heard = new Map([
  [ZERO, 0],
  [0, 2],
  [1, 6],
  [2, 10],
  [3, 14],
  [LAST, 16],
])

interface SpeechOptions {
  readonly states?: number | string
  readonly numbered?: boolean
  readonly loops?: boolean
}

/**
 * A model in the form of Whisper's that hears 0.48 s, and whose decoder gives its cross-attentions: it says “one two
 * three four” to everything, and attends to a position of its own for each word, which word time stamps show. `states`: how many its decoder
 * reads, by default any number. `numbered`: a tiny number of its own is added to the scores of each. `loops`: it says so over and over where a state counts for more
 * than one position.
 */
export async function addSpeech(
  folder: PipelineFolder,
  name = 'speech',
  { states: count = 'encoder_sequence_length', numbered = false, loops = false }: SpeechOptions = {},
): Promise<void> {
  const encoder = speechEncoder({ reads: 'frames', sinusoids: true })
  const silence = { type: 'float32', dims: [1, mels, frames], data: new Float32Array(mels * frames) } as const
  const { last_hidden_state: states } = await runModel(encoder, { input_features: silence })
  await folder.add(name, {
    'config.json': {
      ...{ model_type: 'whisper', architectures: ['WhisperForConditionalGeneration'], is_encoder_decoder: true },
      ...{ max_source_positions: POSITIONS, d_model: WIDTH, vocab_size: SIZE, median_filter_width: 3 },
      ...{ encoder_layers: 2, encoder_attention_heads: 2, decoder_layers: 1, decoder_attention_heads: heads.length },
    },
    'generation_config.json': {
      ...{
        decoder_start_token_id: START,
        eos_token_id: END,
        no_timestamps_token_id: PLAIN,
        max_length: loops ? 100 : 20,
      },
      ...{ is_multilingual: true, lang_to_id: { '<|en|>': ENGLISH }, task_to_id: { transcribe: TRANSCRIBE } },
      alignment_heads: heads.map((_, head) => [0, head]),
    },
    'preprocessor_config.json': {
      ...{ feature_extractor_type: 'WhisperFeatureExtractor', processor_class: 'WhisperProcessor' },
      ...{ feature_size: mels, sampling_rate: RATE, hop_length: HOP, n_fft: 400 },
      ...{ chunk_length: (HOP * frames) / RATE, n_samples: HOP * frames, nb_max_frames: frames },
    },
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': { tokenizer_class: 'WhisperTokenizer' },
    'onnx/encoder_model.onnx': encodeModel(encoder),
    'onnx/decoder_model_merged.onnx': decoder(numbers(states), { states: count, numbered, loops }),
  })
}

/** A sound of so many seconds for it. */
export function spoken(seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => 0.3 * Math.sin(i ** 2 / 40_000))
}

const tokenizer = {
  ...{ version: '1.0', normalizer: null, post_processor: null, pre_tokenizer: null },
  added_tokens: special.map((content, i) => ({
    ...{ id: words.length + i, content, single_word: false },
    ...{ lstrip: false, rstrip: false, normalized: false, special: true },
  })),
  model: { type: 'BPE', vocab: Object.fromEntries([...words, ...special].map((token, id) => [token, id])), merges: [] },
  decoder: { type: 'ByteLevel' },
}

/** Logits by the last token alone, and attention of each token over the states: its query is the state, of [1,n,D], of its position. */
function decoder(states: readonly number[], { states: count, numbered, loops }: Required<SpeechOptions>): Uint8Array {
  const logits = Array.from({ length: SIZE * SIZE }, (_, i) => (next.get(Math.floor(i / SIZE)) === i % SIZE ? 20 : 0))
  const queries = Array.from({ length: SIZE }, (_, token) => {
    const position = heard.get(token)
    const state = position === undefined ? [] : states.slice(position * WIDTH, (position + 1) * WIDTH)
    return Array.from({ length: WIDTH }, (_, i) => state[i] ?? 0)
  })
  const ids = input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length'])
  const keys = input('encoder_hidden_states', 'float32', ['batch_size', count, WIDTH])
  const products = matmul(gather(constant(queries.flat(), 'float32', [SIZE, WIDTH]), ids, 0), swapLast(keys))
  // Too small to be seen in the times of words.
  const biases = Array.from({ length: POSITIONS }, (_, i) => 1e-9 * i)
  const scores = numbered ? add(products, constant(biases, 'float32', [1, 1, POSITIONS])) : products
  const attentions = heads.map((sharpness) => unsqueeze(softmax(mul(scores, sharpness)), [1]))
  const usual = gather(constant(logits, 'float32', [SIZE, SIZE]), ids, 0)
  // Attention to all positions alike: 1/24 each, unless a state has the weight of several. After the last word comes the first.
  const most = max(softmax(mul(scores, 0)), [1, 2], { keepDims: true })
  const isLast = cast(equal(unsqueeze(ids, [2]), 3), 'float32')
  const first = Array.from({ length: SIZE }, (_, i) => (i === 0 ? 40 : 0))
  const again = mul(
    mul(isLast, cast(greater(most, 1.2 / POSITIONS), 'float32')),
    constant(first, 'float32', [1, 1, SIZE]),
  )
  return emitModel(
    {
      logits: loops ? add(usual, again) : usual,
      'cross_attentions.0': concat(attentions, 1),
    },
    { opset: 17 },
  )
}

/** 16,000 samples a second as a WAV file of 32-bit floats. */
export function wavOf(samples: Float32Array): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(3, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(16_000, 24)
  header.writeUInt32LE(64_000, 28)
  header.writeUInt16LE(4, 32)
  header.writeUInt16LE(32, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)])
}
