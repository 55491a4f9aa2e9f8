/**
 * Two texts cut to `room` tokens together: the longer one first, until both are equally long. Hugging Face's tokenizers call
 * this `longest_first`, and do it for `truncation=True`.
 */
export function cutToRoom(
  first: readonly number[],
  second: readonly number[],
  room: number,
): readonly [first: readonly number[], second: readonly number[]] {
  if (first.length + second.length <= room) return [first, second]
  const shorter = Math.min(first.length, second.length, Math.floor(room / 2))
  const longer = room - shorter
  return first.length <= second.length
    ? [first.slice(0, shorter), second.slice(0, longer)]
    : [first.slice(0, longer), second.slice(0, shorter)]
}
