/** A copy of a message down to its leaves, which cannot change; only bytes, the bulk of a model, are shared. */
export function share<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(share) as T
  const copy = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>
  // Without a list of pairs for each message, which would double the time.
  for (const key of Object.keys(value)) copy[key] = share((value as Record<string, unknown>)[key])
  return copy as T
}
