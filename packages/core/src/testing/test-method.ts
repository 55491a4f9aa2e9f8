import { describe, test } from 'vitest'
import type { Method } from '../method/method.ts'
import { type MethodTestOptions, methodChecks } from './method-checks.ts'

/**
 * The contract of methods as one suite of tests on a small encoder with padding:
 *
 *     testMethod(clsAttention(), { run })
 */
export function testMethod(method: Method, options: MethodTestOptions = {}): void {
  describe(`method ${method.name}`, () => {
    for (const { name, check } of methodChecks(method, options)) test(name, check)
  })
}
