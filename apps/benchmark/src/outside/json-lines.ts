import { readFile } from 'node:fs/promises'
import { writeWhole } from '../files.ts'

/** The rows of a file, one a line; none where there is no file. */
export async function readJsonLines<Row>(path: string): Promise<readonly Row[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

/** Writes rows one a line, so that changes can be read. @param digits of each number; those beyond say nothing */
export async function writeJsonLines(path: string, rows: readonly object[], digits: number): Promise<void> {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(digits)) : value
  await writeWhole(path, rows.map((row) => `${JSON.stringify(row, rounded)}\n`).join(''))
}
