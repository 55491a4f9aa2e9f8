import { baselines, type MethodEntry } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'

export interface MethodGroup {
  readonly title: string
  readonly methods: readonly MethodEntry[]
}

/** Whether a method can be run as the page runs them: by a keep ratio, without values that training finds. */
export function isChoosable({ create }: MethodEntry): boolean {
  const { params, unscheduled } = create()
  return params === undefined && !unscheduled
}

/** Methods to choose from, in the order of the page. The dense model is shown next to all of them, so `none` is not one. */
export const methodGroups: readonly MethodGroup[] = [
  { title: 'Keep what is attended to', methods: attention },
  { title: 'Merge, fuse, or both', methods: hybrid },
  { title: 'Controls', methods: baselines.filter(({ name }) => name !== 'none') },
].map(({ title, methods }) => ({ title, methods: methods.filter(isChoosable) }))

/** Those that come with the page. */
export const ownMethods: readonly MethodEntry[] = [...attention, ...hybrid, ...baselines]
