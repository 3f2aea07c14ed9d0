// Tables: sorted by a click on a column, walked with j and k, a row's link opened with Enter.

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";

export interface Column<T> {
  readonly name: string;
  readonly title: ComponentChildren;
  readonly cell: (item: T) => ComponentChildren;
  /** What the column is sorted by; without it, it is not. */
  readonly value?: (item: T) => string | number | null;
  readonly numeric?: boolean;
  readonly wide?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly hrefOf?: (item: T) => string | undefined;
  readonly sorted?: string;
  readonly chosen?: string | undefined;
  /** How many rows are drawn until more are asked for: a thousand take half a second. */
  readonly most?: number;
}

type Order = { readonly column: string; readonly down: boolean } | undefined;

export function Table<T>({ label, columns, items, keyOf, hrefOf, sorted, chosen, most = Infinity }: TableProps<T>) {
  const [all, setAll] = useState(false);
  const [order, setOrder] = useState<Order>(sorted === undefined ? undefined : { column: sorted, down: true });
  const rows = useMemo(() => sort(items, columns, order), [items, order]);
  return (
    <div class="table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.name} column={column} order={order} onOrder={setOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {(all ? rows : rows.slice(0, most)).map((item) => (
            <Row key={keyOf(item)} item={item} columns={columns} href={hrefOf?.(item)} chosen={chosen === keyOf(item)} />
          ))}
        </tbody>
      </table>
      {!all && rows.length > most && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show all {rows.length.toLocaleString("en")}
        </button>
      )}
    </div>
  );
}

function sort<T>(items: readonly T[], columns: readonly Column<T>[], order: Order): readonly T[] {
  const value = columns.find((column) => column.name === order?.column)?.value;
  if (order === undefined || value === undefined) return items;
  const sign = order.down ? -1 : 1;
  return [...items].sort((a, b) => {
    const left = value(a);
    const right = value(b);
    if (left === right) return 0;
    if (left === null) return 1; // what is not there comes last in both directions
    if (right === null) return -1;
    return left < right ? -sign : sign;
  });
}

function Heading<T>({ column, order, onOrder }: { column: Column<T>; order: Order; onOrder: (order: Order) => void }) {
  const mine = order?.column === column.name;
  const kind = `${column.numeric ? "numeric" : ""} ${column.wide ? "widest" : ""}`;
  if (!column.value) {
    return (
      <th scope="col" class={kind}>
        {column.title}
      </th>
    );
  }
  const direction = mine ? (order.down ? "descending" : "ascending") : "none";
  return (
    <th scope="col" class={kind} aria-sort={direction}>
      <button type="button" onClick={() => onOrder({ column: column.name, down: mine ? !order.down : Boolean(column.numeric) })}>
        {column.title}
        <span aria-hidden="true">{mine ? (order.down ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

function Row<T>({ item, columns, href, chosen }: { item: T; columns: readonly Column<T>[]; href: string | undefined; chosen: boolean }) {
  const open = (event: MouseEvent) => {
    if (href === undefined || (event.target as Element).closest("a, button, input, summary") || getSelection()?.toString()) return;
    if (event.ctrlKey || event.metaKey) window.open(href, "_blank", "noopener");
    else location.hash = href;
  };
  return (
    <tr class={`${href ? "leads" : ""} ${chosen ? "chosen" : ""}`} onClick={open}>
      {columns.map((column, place) => (
        <td key={column.name} class={`${column.numeric ? "numeric" : ""} ${column.wide ? "widest" : ""}`}>
          {place === 0 && href ? (
            <a href={href} data-row>
              {column.cell(item)}
            </a>
          ) : (
            column.cell(item)
          )}
        </td>
      ))}
    </tr>
  );
}

export function More({ more, waiting }: { more: (() => void) | undefined; waiting: boolean }) {
  if (more === undefined) return null;
  return (
    <button type="button" class="more" onClick={more} disabled={waiting}>
      {waiting ? "Asking…" : "Show more"}
    </button>
  );
}
