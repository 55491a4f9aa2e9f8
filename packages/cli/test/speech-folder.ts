import { writeFile } from 'node:fs/promises'
import { add, constant, gather, input, matmul, mean } from '@tp/core'
import { randomNumbers } from '@tp/core/statistics'
import { emitModel } from '@tp/onnx'

const WORDS = ['<s>', '</s>', 'one', 'two', 'three', 'four']

export interface SpeechSizes {
  readonly mels: number
  readonly frames: number
  readonly hidden: number
}

/**
 * The files next to an encoder of speech: how its frames are made, a decoder of six words with its tokenizer, and recordings
 * with their transcripts.
 */
export async function addSpeechFiles(
  at: (name: string) => string,
  { mels, frames, hidden }: SpeechSizes,
  recordings: readonly (readonly [seconds: number, said: string])[],
): Promise<void> {
  const sizes = { feature_size: mels, sampling_rate: 16_000, hop_length: 160, n_fft: 400 }
  const window = { n_samples: 160 * frames, nb_max_frames: frames }
  const files: Record<string, unknown> = {
    'preprocessor_config.json': { feature_extractor_type: 'WhisperFeatureExtractor', ...sizes, ...window },
    'generation_config.json': { decoder_start_token_id: 0, eos_token_id: 1, max_length: 6, suppress_tokens: [0] },
    'tokenizer.json': {
      ...{ version: '1.0', normalizer: null, pre_tokenizer: { type: 'Whitespace' } },
      ...{ post_processor: null, decoder: null },
      added_tokens: [0, 1].map((id) => ({
        ...{ id, content: WORDS[id], single_word: false },
        ...{ lstrip: false, rstrip: false, normalized: false, special: true },
      })),
      model: { type: 'WordLevel', unk_token: 'one', vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])) },
    },
    'tokenizer_config.json': {},
  }
  for (const [name, content] of Object.entries(files)) await writeFile(at(name), JSON.stringify(content))
  await writeFile(at('decoder_model.onnx'), decoder(hidden))
  for (const [i, [seconds]] of recordings.entries()) await writeFile(at(`${i}.wav`), wav(seconds))
  await writeFile(at('transcripts.tsv'), recordings.map(([, said], i) => `${i}.wav\t${said}\n`).join(''))
}

/** Logits by the last token and the mean of the states. */
function decoder(width: number): Uint8Array {
  const uniform = randomNumbers(4)
  const random = (dims: [number, number]): ReturnType<typeof constant> =>
    constant(
      Array.from({ length: dims[0] * dims[1] }, () => 4 * (uniform() - 0.5)),
      'float32',
      dims,
    )
  const ids = input('input_ids', 'int64', ['batch', 'n'])
  const states = input('encoder_hidden_states', 'float32', ['batch', 'encoder_sequence_length', width])
  const heard = matmul(mean(states, 1, { keepDims: true }), random([width, WORDS.length]))
  return emitModel({ logits: add(gather(random([WORDS.length, WORDS.length]), ids, 0), heard) }, { opset: 17 })
}

/** PCM of 16 bits, one channel, 16,000 samples a second. */
function wav(seconds: number): Uint8Array {
  const count = Math.round(16_000 * seconds)
  const bytes = Buffer.alloc(44 + 2 * count)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(36 + 2 * count, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(1, 22)
  bytes.writeUInt32LE(16_000, 24)
  bytes.writeUInt32LE(32_000, 28)
  bytes.writeUInt16LE(2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(2 * count, 40)
  for (let i = 0; i < count; i++) bytes.writeInt16LE(Math.round(9000 * Math.sin(i / 7)) + ((i * 31) % 499), 44 + 2 * i)
  return bytes
}
