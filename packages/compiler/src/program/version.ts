/** Version of the toolkit, as pruned files name it. Generated from package.json. */
export const version = '0.1.0'
