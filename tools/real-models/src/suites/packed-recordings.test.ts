import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packedRecordings } from './packed-recordings.ts'
import { unzip } from './unzip.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-packed-'))
})

afterEach(() => rm(folder, { recursive: true }))

/** A ZIP archive; a file of more than 20 bytes is deflated. */
function zip(files: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const contents = Buffer.from(text)
    const isDeflated = contents.length > 20
    const packed = isDeflated ? deflateRawSync(contents) : contents
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(isDeflated ? 8 : 0, 4)
    common.writeUInt32LE(crc32(contents), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(contents.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, tail, Buffer.from(name))
    parts.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  for (const at of [8, 10]) end.writeUInt16LE(Object.keys(files).length, at)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, entries, end])
}

test('reads stored and deflated files, and refuses what is not an archive', () => {
  const files = { 'a.txt': 'short', 'ü/b.txt': 'deflated '.repeat(50) }
  const read = [...unzip(zip(files))].map(([name, contents]) => [name, String(contents)])
  expect(Object.fromEntries(read)).toEqual(files)
  expect(() => unzip(Buffer.from('PK\x03\x04 and nothing more of it'))).toThrow(/27 bytes are not a ZIP archive/)
})

test('writes recordings with their transcripts and languages, each text once', async () => {
  const archives = {
    'ja-JP/testing/x.zip': zip({ 'trans.txt': '\uFEFFone.wav\tこんにちは', 'one.wav': 'sound' }),
    'ja-JP/training/x.zip': zip({
      'one.wav': 'sound',
      'trans.txt': 'one.wav\tこんにちは\r\ntwo.wav\tさようなら\r\n',
      'two.wav': 'other',
    }),
  }
  for (const [path, contents] of Object.entries(archives)) {
    await mkdir(join(folder, 'data', path, '..'), { recursive: true })
    await writeFile(join(folder, 'data', path), contents)
  }
  const out = join(folder, 'out')
  await mkdir(out)
  await packedRecordings('data', Object.keys(archives))(folder, out)
  const text = (name: string): Promise<string> => readFile(join(out, name), 'utf8')
  expect(await text('transcripts.tsv')).toBe(
    'ja-JP-testing-one.wav\tこんにちは\tja\nja-JP-training-two.wav\tさようなら\tja\n',
  )
  expect(await text('ja-JP-training-two.wav')).toBe('other')
})
