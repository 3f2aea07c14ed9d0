import type { Address } from "../routing";
import { Calls, TOOL } from "./calls";

export default function Tools({ address }: { address: Address }) {
  return <Calls kind={TOOL} params={address.params} />;
}
