import { existsSync, readFileSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { add, constant, gather, input, matmul, mean } from '@tp/core'
import { randomNumbers } from '@tp/core/statistics'
import { decodeModel, emitModel, Graph } from '@tp/onnx'
import { sharedFolder } from 'exported-encoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const exported = join(sharedFolder, 'fixtures', 'whisper-encoder-ts17', 'model.onnx')
const WORDS = ['<s>', '</s>', 'one', 'two', 'three', 'four']

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

if (!existsSync(exported)) test.skip('tp eval of an encoder of speech (needs the shared fixtures)', () => {})
else
  describe('tp eval of an encoder of speech', () => {
    const encoder = (): string => folder.at('encoder_model.onnx')
    beforeAll(async () => {
      await copyFile(exported, encoder())
      const [{ dims = [] } = {}] = new Graph(decodeModel(readFileSync(exported))).inputs
      const [, mels, frames] = dims as [unknown, number, number]
      const files: Record<string, unknown> = {
        'preprocessor_config.json': {
          feature_extractor_type: 'WhisperFeatureExtractor',
          ...{
            feature_size: mels,
            sampling_rate: 16_000,
            hop_length: 160,
            n_fft: 400,
            n_samples: 160 * frames,
            nb_max_frames: frames,
          },
        },
        'generation_config.json': { decoder_start_token_id: 0, eos_token_id: 1, max_length: 6, suppress_tokens: [0] },
        'tokenizer.json': {
          ...{
            version: '1.0',
            normalizer: null,
            pre_tokenizer: { type: 'Whitespace' },
            post_processor: null,
            decoder: null,
          },
          added_tokens: [0, 1].map((id) => ({ id, content: WORDS[id], special: true })),
          model: {
            type: 'WordLevel',
            unk_token: 'one',
            vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
          },
        },
        'tokenizer_config.json': {},
      }
      for (const [name, content] of Object.entries(files)) await writeFile(folder.at(name), JSON.stringify(content))
      await writeFile(folder.at('decoder_model.onnx'), decoder(32))
      for (const [i, seconds] of [0.1, 0.3, 0.5].entries()) await writeFile(folder.at(`${i}.wav`), wav(seconds))
      await writeFile(folder.at('transcripts.tsv'), '0.wav\tone two\n1.wav\tthree four one\n2.wav\ttwo\n')
    })

    const evaluate = (...args: string[]): ReturnType<typeof tpHere> =>
      tpHere(['eval', encoder(), '--data', folder.at('transcripts.tsv'), ...args])

    test('says how many words are wrong, and how many states the decoder reads', async () => {
      const methods = ['--methods', 'thin-padding,stride', '--layers', '0', '--keep', '0.5', '--restore', 'none']
      const { code, stdout, stderr } = await evaluate(
        '--decoder',
        folder.at('decoder_model.onnx'),
        ...methods,
        '--param',
        'every=4',
        '--json',
      )
      expect(stderr).not.toContain('TP_')
      expect(code).toBe(0)
      const { task, examples, rows } = JSON.parse(stdout)
      expect({ task, examples }).toEqual({ task: 'asr', examples: 3 })
      const [dense, none, thinned, half] = rows
      expect(none.wer).toEqual(dense.wer)
      expect(dense.wer.estimate).toBeGreaterThanOrEqual(0)
      expect(thinned.states).toBeLessThan(dense.states)
      expect(half.states).toBe(dense.states / 2)
      expect([dense, half].map(({ states, stateBytes }) => stateBytes / states)).toEqual([4 * 32, 4 * 32])
      expect(half.encoder.speedup.value).toBeGreaterThan(0)
      expect(half.soundPerSecond).toBeGreaterThan(0)
    })

    test.each<[string, string[], RegExp]>([
      ['without a decoder', ['--task', 'asr'], /--task asr requires --decoder FILE/],
      ['another task with a decoder', ['--task', 'embeddings', '--decoder', exported], /--decoder is for --task asr/],
      ['a decoder of something else', ['--decoder', exported], /is no decoder of speech: it has no input input_ids/],
      ['a column', ['--decoder', exported, '--text-column', 'text'], /--text-column does not go with --task asr/],
    ])('is refused %s', async (_, args, message) => {
      const { code, stderr } = await evaluate(...args)
      expect(code).not.toBe(0)
      expect(stderr).toMatch(message)
    })
  })
