import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import wavefile from 'wavefile'
import { testFolder } from '../../test/folder.ts'
import { readWav } from './wav-folder.ts'

const { folder } = testFolder()

async function written(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'sound.wav')
  await writeFile(path, bytes)
  return path
}

const sine = Float64Array.from({ length: 1600 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 16_000))

function encoded(bits: string, change: (file: InstanceType<typeof wavefile.WaveFile>) => void = () => {}): Uint8Array {
  const file = new wavefile.WaveFile()
  const steps = bits.endsWith('f') || bits === '64' ? 1 : 2 ** (Number(bits) - 1) - 1
  file.fromScratch(
    1,
    16_000,
    bits,
    sine.map((x) => (steps === 1 ? x : Math.round(x * steps) + (bits === '8' ? 128 : 0))),
  )
  change(file)
  return file.toBuffer()
}

describe('readWav', () => {
  test.each<[string, () => Uint8Array, number]>([
    ['PCM of 8 bits', () => encoded('8'), 2 ** -6],
    ['PCM of 16 bits', () => encoded('16'), 2 ** -14],
    ['PCM of 24 bits', () => encoded('24'), 2 ** -21],
    ['PCM of 32 bits', () => encoded('32'), 2 ** -23],
    ['float of 32 bits', () => encoded('32f'), 2 ** -23],
    ['float of 64 bits', () => encoded('64'), 2 ** -23],
    ['A-law', () => encoded('16', (file) => file.toALaw()), 0.02],
    ['µ-law', () => encoded('16', (file) => file.toMuLaw()), 0.02],
  ])('reads %s', async (_, bytes, tolerance) => {
    const { sampleRate, samples } = await readWav(await written(bytes()))
    expect(sampleRate).toBe(16_000)
    const largest = sine.reduce((most, x, i) => Math.max(most, Math.abs(x - (samples[i] ?? Number.NaN))), 0)
    expect(largest).toBeLessThan(tolerance)
  })

  /** The same samples with an extensible header, which has the format in its sub-format. */
  const extensible = (bytes: Uint8Array): Uint8Array => {
    const [old, format] = [Buffer.from(bytes), Buffer.alloc(48)]
    old.copy(format, 0, 12, 36)
    format.writeUInt32LE(40, 4)
    format.writeUInt16LE(0xfffe, 8)
    format.writeUInt16LE(22, 24)
    format.writeUInt16LE(old.readUInt16LE(34), 26)
    format.writeUInt16LE(old.readUInt16LE(20), 32)
    format.set([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71], 34)
    return Buffer.concat([old.subarray(0, 12), format, old.subarray(old.indexOf('data'))])
  }

  test.each([
    ['PCM of 16 bits', () => encoded('16')],
    ['PCM of 24 bits', () => encoded('24')],
    ['float of 32 bits', () => encoded('32f')],
    ['float of 64 bits', () => encoded('64')],
    ['A-law', () => encoded('16', (file) => file.toALaw())],
  ])('reads %s alike with an extensible header', async (_, bytes) => {
    const { samples } = await readWav(await written(bytes()))
    expect((await readWav(await written(extensible(bytes())))).samples).toEqual(samples)
  })

  const chunk = (name: string, content: Uint8Array): Uint8Array => {
    const head = Buffer.from(`${name}....`)
    head.writeUInt32LE(content.length, 4)
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)])
  }

  test('takes the byte that pads an odd number of bytes for no sample', async () => {
    const whole = Buffer.from(encoded('8'))
    const odd = Buffer.concat([whole.subarray(0, 36), chunk('data', whole.subarray(44, 44 + 1599))])
    expect((await readWav(await written(odd))).samples).toHaveLength(1599)
  })

  test('takes a long file for as many samples as its header says, whatever follows them', async () => {
    const whole = Buffer.from(encoded('16'))
    const sizes = Buffer.alloc(28)
    sizes.writeBigUInt64LE(3200n, 8)
    const samples = chunk('data', whole.subarray(44))
    Buffer.from(samples.buffer, samples.byteOffset).writeUInt32LE(0xffffffff, 4)
    const format = whole.subarray(12, 36)
    const long = Buffer.concat([
      ...[Buffer.from('RF64\xff\xff\xff\xffWAVE', 'latin1'), chunk('ds64', sizes), format, samples],
      chunk('LIST', Buffer.from('INFOISFT')),
    ])
    expect((await readWav(await written(long))).samples).toHaveLength(1600)
  })

  test('reads a file with lists before and after its samples', async () => {
    const whole = Buffer.from(encoded('16'))
    const list = chunk('LIST', Buffer.from('INFO'))
    const listed = Buffer.concat([whole.subarray(0, 36), list, list, whole.subarray(36), list, list])
    expect((await readWav(await written(listed))).samples).toHaveLength(1600)
  })

  test('averages the channels of an extensible header whose numbers begin with their largest byte', async () => {
    const file = new wavefile.WaveFile()
    const channels = [90, 0, -90].map((more) => sine.map((x) => Math.round(x * 2 ** 15) + more))
    file.fromScratch(3, 16_000, '16', channels, { container: 'RIFX' })
    const { samples } = await readWav(await written(file.toBuffer()))
    expect(samples[7]).toBeCloseTo(sine[7] as number, 3)
  })

  /** A header of 16-bit PCM, one channel, 16 kHz, with some fields changed: by offset, the width in bytes and the number. */
  const header = (...changes: [at: number, width: 2 | 4, value: number][]): Uint8Array => {
    const bytes = Buffer.from(encoded('16'))
    for (const [at, width, value] of changes) bytes.writeUIntLE(value, at, width)
    return bytes
  }

  test.each<[string, () => Uint8Array, RegExp]>([
    ['a format that is unknown', () => header([20, 2, 99]), /format 99 of 16 bits/],
    ['ADPCM', () => header([20, 2, 17], [34, 2, 4]), /format 17 of 4 bits/],
    ['samples of 53 bits', () => header([34, 2, 53]), /PCM of 53 bits/],
    ['samples of 0 bits', () => header([34, 2, 0]), /PCM of 0 bits|cannot be read as a WAV file/],
    ['no channel', () => header([22, 2, 0]), /0 channels/],
    ['65,535 channels', () => header([22, 2, 65_535]), /65535 channels/],
    ['a rate of 0', () => header([24, 4, 0]), /0 samples a second/],
    ['a wrong number of bytes per sample', () => header([32, 2, 4]), /1 channels in 4 bytes/],
    [
      'more bytes than the file has',
      () => header([40, 4, 0xfffffff0]),
      /says 4294967280 bytes of samples but holds 3200/,
    ],
    [
      'half of the samples',
      () => encoded('16').subarray(0, 1644),
      /says 3200 bytes of samples but holds 1600; is it cut off/,
    ],
    ['no WAV', () => Buffer.from('RIFF but not really'), /sound\.wav/],
    ['no samples', () => Buffer.concat([header([40, 4, 0]).subarray(0, 44)]), /holds no samples/],
    [
      'a sample that is not a number',
      () => {
        const bytes = Buffer.from(encoded('32f'))
        bytes.writeFloatLE(Number.NaN, bytes.length - 4)
        return bytes
      },
      /has a sample that is not a number/,
    ],
  ])('refuses a file with %s', async (_, bytes, message) => {
    const path = await written(bytes())
    await expect(readWav(path)).rejects.toMatchObject({ code: 'TP_DATA', message: expect.stringMatching(message) })
  })

  test('reads a file to its end if it was written before its size was known', async () => {
    const { samples } = await readWav(await written(header([4, 4, 0xffffffff], [40, 4, 0xffffffff])))
    expect(samples).toHaveLength(1600)
  })

  test('refuses a file larger than any sound a model takes, without reading it', async () => {
    const path = await written(encoded('16'))
    await truncate(path, 2 ** 33)
    await expect(readWav(path)).rejects.toThrow('is 8192 MiB; files of up to 64 MiB are read')
  })
})
