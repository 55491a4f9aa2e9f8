import { describe, test } from 'vitest'
import type { Method } from '../method/method.ts'
import { type MethodTestOptions, methodChecks } from './method-checks.ts'

/**
 * What every method has to hold to, as one suite of tests on a small encoder with padding:
 *
 *     testMethod(clsAttention(), { run })
 */
export function testMethod(method: Method, options: MethodTestOptions = {}): void {
  describe(`method ${method.name}`, () => {
    for (const { name, check } of methodChecks(method, options)) test(name, check)
  })
}
