// This is no plan, as words.test.mjs expects.
export const example = 1
