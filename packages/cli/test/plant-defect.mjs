// Imported before the command line: replaces a piece of one built file, as a mistake in it would.
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url, { data: JSON.parse(process.env.TP_DEFECT) })

let defect
export function initialize(data) {
  defect = data
}

export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (!url.endsWith(`/${defect.file}`)) return loaded
  const text = String(loaded.source)
  if (!text.includes(defect.right)) throw new Error(`${defect.file} has no ${defect.right}`)
  return { ...loaded, source: text.replace(defect.right, defect.wrong) }
}
