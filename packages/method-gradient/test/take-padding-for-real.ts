import { add, cast, type Method, mul, type SoftSite, sum, type Tensor, where } from '@tp/core'

/** A method that takes padding for real tokens while it learns, as some authors' code does. */
export function takePaddingForReal(method: Method): Method {
  const { training } = method
  if (training === undefined) return method
  return Object.freeze<Method>({
    ...method,
    training: {
      ...training,
      soften(site) {
        const all = add(mul(site.index, 0), 1)
        const before = site.carried.leftOfAll ?? all
        const obey = (some: Tensor): Tensor => where(site.fixed, 1, some)
        const own: Partial<SoftSite> = { left: before, obey, count: sum(all, 1), alive: cast(all, 'bool') }
        const softened = training.soften(
          Object.defineProperties(Object.create(site), Object.getOwnPropertyDescriptors(own)),
        )
        const left = mul(before, obey(softened.left))
        const losses = { ...softened.losses, [`left_${site.block}`]: left }
        return { ...softened, losses, carry: { ...softened.carry, leftOfAll: left } }
      },
    },
  })
}
