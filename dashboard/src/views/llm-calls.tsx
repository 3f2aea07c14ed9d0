import type { Address } from "../routing";
import { Calls, LLM } from "./calls";

export default function LlmCalls({ address }: { address: Address }) {
  return <Calls kind={LLM} params={address.params} />;
}
