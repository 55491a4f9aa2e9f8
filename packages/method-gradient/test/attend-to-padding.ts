import { add, cast, type Method, mul, type SoftSite, sum, type Tensor, where } from '@tp/core'

/** A method that takes padding for attended tokens while it learns, as some authors' code does. */
export function attendToPadding(method: Method): Method {
  const { training } = method
  if (training === undefined) return method
  return Object.freeze<Method>({
    ...method,
    training: {
      ...training,
      soften(site) {
        const all = add(mul(site.index, 0), 1)
        const before = site.carried.leftOfAll ?? all
        const obey = (some: Tensor): Tensor => where(site.protectedTokens, 1, some)
        const own: Partial<SoftSite> = { kept: before, obey, count: sum(all, 1), attended: cast(all, 'bool') }
        const softened = training.soften(
          Object.defineProperties(Object.create(site), Object.getOwnPropertyDescriptors(own)),
        )
        const kept = mul(before, obey(softened.kept))
        const losses = { ...softened.losses, [`left_${site.layer}`]: kept }
        return { ...softened, losses, carry: { ...softened.carry, leftOfAll: kept } }
      },
    },
  })
}
