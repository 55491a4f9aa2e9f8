import type { Column } from './column.ts'
import type { OutputFormat } from './output-format.ts'
import { shardError } from './shard-error.ts'

/** One JSON object a row, a number in as few digits as give the same float32. */
export const jsonLines: OutputFormat = {
  encode(columns) {
    const lines = Array.from({ length: columns[0]?.values.length ?? 0 }, (_, row) => {
      const fields = columns.map((column) => `${JSON.stringify(column.name)}:${valueText(column, row)}`)
      return `{${fields.join(',')}}\n`
    })
    return Buffer.from(lines.join(''))
  },
  async *join(shards) {
    for (const { path, rows, read } of shards) {
      const bytes = await read()
      let lines = 0
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
      if (lines !== rows || bytes.at(-1) !== 10) throw shardError(path, rows, `has ${lines}`)
      yield bytes
    }
  },
}

function valueText(column: Column, row: number): string {
  if (column.kind === 'number') return floatText(column.values[row] as number)
  if (column.kind === 'vector') return `[${Array.from(column.values[row] as Float32Array, floatText).join(',')}]`
  return JSON.stringify(column.values[row])
}

/** Nine digits tell any two float32 apart. JSON has no number for those that are none. */
function floatText(value: number): string {
  return Number.isFinite(value) ? `${Number(value.toPrecision(9))}` : 'null'
}
