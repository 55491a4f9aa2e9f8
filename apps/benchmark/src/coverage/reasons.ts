/** Begins the reasons of models that have no attention; what follows tells them apart. */
const noAttention = 'no self-attention found'

/** True if a refusal gives the reason that is expected: the words in front of its colon, or all of it. */
export function isRightReason(message: string, expected: string): boolean {
  const [head = ''] = expected.split(':')
  return head !== '' && message.startsWith(head === noAttention ? expected : head)
}
