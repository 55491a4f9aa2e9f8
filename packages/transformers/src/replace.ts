/**
 * Puts a function in the place of an object's own, and gives what puts that one back. If someone else has put theirs on top by
 * then, the replacement stays where it is: it must be one that then only passes calls on.
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
