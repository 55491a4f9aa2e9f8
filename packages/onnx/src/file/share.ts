/** A copy of a message down to its leaves, which cannot change; only bytes, the bulk of a model, are shared. */
export function share<T>(value: T): T {
  if (Array.isArray(value)) return value.map(share) as T
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const copy = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>
  for (const [key, inner] of Object.entries(value)) copy[key] = share(inner)
  return copy as T
}
