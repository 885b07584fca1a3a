# SPDX-License-Identifier: MIT
# ssh-keygen's keys of each kind, signatures and certificates; ssh-agent, which holds a key for ssh-add.
for kind in ed25519 ecdsa rsa; do
	ssh-keygen -q -t $kind -N '' -C note -f key.$kind; echo $?
	ssh-keygen -l -f key.$kind | awk '{ print $1, $3, $4 }'
	ssh-keygen -y -f key.$kind | awk '{ print $1 }'
done
ssh-keygen -q -p -P '' -N secret -f key.ed25519; echo $?
ssh-keygen -y -P wrong -f key.ed25519 2>&1 | sed 's/".*"/KEY/'
echo hello >text; echo "me $(cat key.rsa.pub)" >allowed
ssh-keygen -q -Y sign -f key.rsa -n file text 2>/dev/null; echo $?
ssh-keygen -Y verify -f allowed -I me -n file -s text.sig <text 2>&1 | awk '{ print $1, $2 }'
echo other | ssh-keygen -Y verify -f allowed -I me -n file -s text.sig 2>&1 | tail -1
ssh-keygen -q -s key.rsa -I name -n user -V 20260101:20300101 key.ecdsa.pub; ssh-keygen -L -f key.ecdsa-cert.pub | grep -c .
eval "$(ssh-agent -s)" >/dev/null; ssh-add -l; ssh-add -q key.rsa; echo $?; ssh-add -l | awk '{ print $1, $3, $4 }'
ssh-add -q key.ecdsa 2>/dev/null; ssh-add -L | awk '{ print $1 }' | sort; ssh-add -x 2>/dev/null; ssh-add -qD; ssh-add -l; echo $?
ssh-agent -k >/dev/null; ssh-add -l 2>&1; echo $?
ssh-agent sh -c 'ssh-add -q key.rsa && ssh-add -l | wc -l'
