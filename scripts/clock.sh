# shellcheck shell=bash
# Sourced by day, deploy, hold and others: the clocks, as folders of an embedded workshop or as ConfigMaps of a cluster.
refuse() { tr -c '[:print:]\n' '?' <<<"${said_as:-$(basename "$0")}: $* Nothing was changed." >&2; exit 2; }
home=${FDE_WORLD:+${FDE_WORLD%/worlds/*}} home=${home:-${FDE_HOME:-}} home=${home:-$(dirname "${BASH_SOURCE[0]}")/../.workshop}
if [[ -d $home/clocks && (-n ${FDE_WORLD:-} || ! -e $home/cluster) ]]; then # scripts/release writes $home/cluster
  clocks() { ls "$home/clocks"; }
  access() { cat "$home/access.json"; }
  get() { cat "$home/clocks/$1/$2" 2>/dev/null || true; } # CLOCK KEY
  put() { local at=$home/clocks/$1; if [[ -n ${3:-} ]]; then printf '%s\n' "$3" >"$at/.$2" && sync "$at/.$2" && mv "$at/.$2" "$at/$2"; else rm -f "$at/$2"; fi && sync "$at"; } # CLOCK KEY [VALUE]
  forget() { ! compgen -G "$home/clocks/clock-*" >/dev/null || { rm -f "$home"/clocks/clock-*/"$1" && sync "$home"/clocks/clock-*; }; } # KEY, of everybody's own clock
else
  kubectl() { local at=; [[ ! -e $home/cluster ]] || at=$(<"$home/cluster"); command kubectl ${at:+--context "$at"} "$@"; }
  access() { kubectl get secret access -o 'go-template={{index .data "access.json" | base64decode}}'; }
  clocks() { kubectl get configmaps -l fde=clock -o name | cut -d/ -f2; }
  get() { kubectl get configmap "$1" -o "jsonpath={.data.$2}"; }
  put() { local text=${3:-}; text=${text//\\/\\\\}; text=\"${text//\"/\\\"}\"; [[ -n ${3:-} ]] || text=null; kubectl patch configmap "$1" --type merge -p "{\"data\":{\"$2\":${text//$'\n'/\\n}}}" >/dev/null; }
  forget() { local own; for own in $(kubectl get configmaps -l fde=clock -o "jsonpath={.items[?(@.data.$1)].metadata.name}"); do [[ $own == clock ]] || put "$own" "$1" || echo "$own stays as it is: its owner has locked it." >&2; done; }
fi
mine=${FDE_WORLD:+$(basename "$FDE_WORLD")} who=${2:-$mine} clock=clock${who:+-$who} # in an attendee's terminal always their own
[[ -z $mine || $who == "$mine" ]] || refuse "This is the terminal of $mine: it moves only $mine."
read -ra days <<<"$(get clock days 2>/dev/null | tr '\n' ' ')" && [[ ${#days[@]} -gt 0 ]] || refuse "No clock found. Start the workshop first: scripts/up."
attendees() { clocks | sed -n 's/^clock-//p' | paste -sd' ' -; }
[[ -n $mine ]] || clocks | grep -qx "$clock" || refuse "There is no attendee $who. Attendees: $(attendees)."
effective() { local own hold; own=$(get "$clock" "$1") own=${own:-$(get clock "$1")} own=${own:-$2}; [[ $1 != day ]] || { hold=$(get clock hold); [[ -z $hold || ! $own > $hold ]] || own=$hold; }; tr -c '[:print:]\n' '?' <<<"$own"; } # KEY DEFAULT: their own wins; no day is past the hold
number() { local n; for n in "${!days[@]}"; do [[ ${days[n]} != "$1" && $((n + 1)) != "$1" ]] || echo $((n + 1)); done; } # N|DATE
