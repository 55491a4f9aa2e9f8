import { readFileSync } from 'node:fs'
import type { GoldenCase } from '@tp/core/testing'

/** A case of this package's `golden/`: `adapler/saliency-l2`. */
export function goldenCase(name: string): GoldenCase {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))
}
