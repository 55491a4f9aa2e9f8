import { type Model, metadata } from '@tp/onnx'

/**
 * The records of a file's changes, oldest first: a list in JSON under a key of its metadata.
 * @param isRecord the text is the user's, and may hold anything; entries that are not records are passed over
 */
export function readRecords<T>(model: Model, key: string, isRecord: (value: unknown) => value is T): T[] {
  const text = metadata(model).get(key)
  if (text === undefined) return []
  try {
    const records: unknown = JSON.parse(text)
    return Array.isArray(records) ? records.filter(isRecord) : []
  } catch {
    return []
  }
}

/** @param records all of them, which replace those that the file holds */
export function writeRecords(model: Model, key: string, records: readonly unknown[]): void {
  metadata(model).set(key, JSON.stringify(records))
}
