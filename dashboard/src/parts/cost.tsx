import { money } from "../format";

/** A cost is a figure, or the words that there is no price: never a zero that nobody worked out. */
export function Cost({ of }: { of: { readonly cost_usd: number | null; readonly unpriced_calls?: number } }) {
  const { cost_usd: cost, unpriced_calls: unpriced = 0 } = of;
  if (cost === null) return <span class="faint" title="No price is known for the model">no price</span>;
  return (
    <span title={unpriced > 0 ? `${unpriced} calls have no known price and are left out` : undefined}>
      {money(cost)}
      {unpriced > 0 && <span class="warn"> +?</span>}
    </span>
  );
}
