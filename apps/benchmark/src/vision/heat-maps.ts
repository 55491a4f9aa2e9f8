import { crc32, deflateSync } from 'node:zlib'

export interface HeatMaps {
  readonly title: string
  readonly columns: readonly string[]
  /** Values 0…1 of each map, row by row of its squares. */
  readonly rows: readonly { readonly label: string; readonly maps: readonly (readonly number[])[] }[]
  /** Squares in a row of a map. */
  readonly across: number
}

const MAP = 84
const GAP = 8
const LEFT = 170
const TOP = 56

/** A table of square maps as SVG, from white (0) to dark (1). */
export function heatMaps({ title, columns, rows, across }: HeatMaps): string {
  const width = Math.max(LEFT + columns.length * (MAP + GAP), 640)
  const height = TOP + rows.length * (MAP + GAP)
  const text = (x: number, y: number, words: string, more = ''): string =>
    `<text x="${x}" y="${y}"${more}>${words}</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(8, 22, title, ' font-size="15" font-weight="bold"'),
    ...columns.map((name, i) => text(LEFT + i * (MAP + GAP) + MAP / 2, TOP - 8, name, ' text-anchor="middle"')),
    ...rows.flatMap(({ label, maps }, row) => {
      const y = TOP + row * (MAP + GAP)
      const images = maps.map((values, i) => {
        const x = LEFT + i * (MAP + GAP)
        const link = `data:image/png;base64,${png(values, across).toString('base64')}`
        return [
          `<image x="${x}" y="${y}" width="${MAP}" height="${MAP}" style="image-rendering:pixelated" href="${link}"/>`,
          `<rect x="${x}" y="${y}" width="${MAP}" height="${MAP}" fill="none" stroke="#bbb"/>`,
        ].join('\n')
      })
      return [text(8, y + MAP / 2, label), ...images]
    }),
    '</svg>\n',
  ].join('\n')
}

/** An 8-bit grey PNG; 1 is black. */
function png(values: readonly number[], across: number): Buffer {
  const down = values.length / across
  const lines = Buffer.alloc(down * (across + 1)) // each line begins with the number of its filter, 0
  for (const [i, value] of values.entries()) {
    const grey = 255 - Math.round(255 * Math.min(1, Math.max(0, value)))
    lines[Math.floor(i / across) * (across + 1) + 1 + (i % across)] = grey
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(across, 0)
  header.writeUInt32BE(down, 4)
  header[8] = 8
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
