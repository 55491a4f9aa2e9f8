import { inflateRawSync } from 'node:zlib'

const [END, ENTRY, DEFLATED] = [0x06054b50, 0x02014b50, 8]

/**
 * The files of a ZIP archive by their names (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16): stored or deflated, below 4 GiB, not encrypted.
 * @throws Error for what is not such an archive
 */
export function unzip(archive: Buffer): ReadonlyMap<string, Buffer> {
  let end = archive.length - 22
  while (end >= 0 && archive.readUInt32LE(end) !== END) end--
  if (end < 0) throw new Error(`${archive.length} bytes are not a ZIP archive`)
  const files = new Map<string, Buffer>()
  let entry = archive.readUInt32LE(end + 16)
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    if (archive.readUInt32LE(entry) !== ENTRY) throw new Error(`the directory of a ZIP archive breaks off at ${entry}`)
    const method = archive.readUInt16LE(entry + 10)
    const size = archive.readUInt32LE(entry + 20)
    const [name, extra, comment] = [28, 30, 32].map((at) => archive.readUInt16LE(entry + at)) as [
      number,
      number,
      number,
    ]
    const own = archive.toString('utf8', entry + 46, entry + 46 + name)
    const local = archive.readUInt32LE(entry + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const packed = archive.subarray(start, start + size)
    files.set(own, method === DEFLATED ? inflateRawSync(packed) : packed)
    entry += 46 + name + extra + comment
  }
  return files
}
