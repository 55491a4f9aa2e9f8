/**
 * Replaces a function of an object, and returns a function that restores it. If someone else has put theirs on top by
 * then, the replacement remains: it must be one that then only passes calls on.
 */
export function replace<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): () => void {
  const original = target[name]
  const replacement = make(original)
  target[name] = replacement
  return () => {
    if (target[name] === replacement) target[name] = original
  }
}
